/** Initialises the lab's Vault and unseals it; the lab's folder keeps the unseal key and the root token. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LabError } from "../lab-error.ts";
import { readIfThere } from "../read-optional.ts";
import { replaceFile } from "../replace-file.ts";
import type { LabVault } from "./api.ts";

/** Secret: both open everything that the lab's Vault holds, and nothing else. */
const vaultKeys = z.strictObject({ unsealKey: z.string(), rootToken: z.string() });
export type VaultKeys = z.output<typeof vaultKeys>;

/** The keys of a Vault that was initialised before. */
export async function readVaultKeys(file: string): Promise<VaultKeys | undefined> {
  const text = await readIfThere(file);
  return text === undefined ? undefined : vaultKeys.parse(JSON.parse(text));
}

/**
 * Brings a running Vault to the point where it serves requests. Safe to repeat.
 * @param vault asks without a token
 * @param keysFile gets the keys of a new Vault, readable by root alone
 */
export async function unseal(vault: LabVault, keysFile: string): Promise<VaultKeys> {
  const kept = await readVaultKeys(keysFile);
  const keys = kept !== undefined && (await isInitialised(vault)) ? kept : await initialise(vault, keysFile);
  await vault.must("PUT", "sys/unseal", { key: keys.unsealKey });
  await untilActive(vault);
  return keys;
}

async function isInitialised(vault: LabVault): Promise<boolean> {
  return z.object({ initialized: z.boolean() }).parse(await vault.must("GET", "sys/init")).initialized;
}

async function initialise(vault: LabVault, keysFile: string): Promise<VaultKeys> {
  const made = await vault.must("PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 });
  const { keys_base64, root_token } = initialised.parse(made);
  const keys = { unsealKey: keys_base64[0], rootToken: root_token };
  await replaceFile(keysFile, `${JSON.stringify(keys)}\n`, 0o600);
  return keys;
}

const initialised = z.object({ keys_base64: z.tuple([z.string()]), root_token: z.string() });

/** An unsealed Vault is a standby until its storage has elected it. */
async function untilActive(vault: LabVault): Promise<void> {
  const deadlineMs = Date.now() + ACTIVE_WITHIN_MS;
  for (;;) {
    const { status } = await vault.ask("GET", "sys/health");
    if (status === 200) return;
    if (Date.now() >= deadlineMs)
      throw new LabError(
        `vault is unsealed, and its health is ${status} after ${ACTIVE_WITHIN_MS / 1000} s; see its log.`,
      );
    await sleep(50);
  }
}

const ACTIVE_WITHIN_MS = 30_000;
