/**
 * What a decision starts from beside the settings: what the stack remembers of its last run, and the user map where Vault
 * holds it. It speaks to no engine, so that the program and `./ws plan` start from the same.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { given } from "./required-secret.ts";
import { Refusal } from "./refusal.ts";
import type { StackSettings } from "./settings/stack-settings.ts";
import { readUserMap, type UserMapText } from "./vault-user-map.ts";

/** Name of the stack output that holds the ledger. */
export const LEDGER_OUTPUT = "ledger";

/** Name of the stack output that holds the version of the user map that the last run went by. */
export const USER_MAP_VERSION_OUTPUT = "userMapVersion";

export interface Memory {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  readonly userMapVersion?: number;
}

/** @param output the stack's outputs by name, undefined where there is none */
export function memoryFrom(output: (name: string) => unknown): Memory {
  const version = z.int().optional().parse(output(USER_MAP_VERSION_OUTPUT));
  return { ledger: output(LEDGER_OUTPUT), ...(version === undefined ? {} : { userMapVersion: version }) };
}

/**
 * @param folder the project's, where the file of Vault's authority is looked for
 * @returns undefined where the stack has no Vault
 * @throws Refusal where the map cannot be read, unless this is a preview and the stack lets previews go on
 */
export async function userMapFromVault(
  { vault, vaultToken }: Pick<StackSettings, "vault" | "vaultToken">,
  { userMapVersion }: Memory,
  { preview, folder = "." }: { readonly preview: boolean; readonly folder?: string },
): Promise<UserMapText | undefined> {
  if (vault === undefined) return undefined;
  const token = given(vaultToken, "vaultToken", "vault");
  const { caCert } = caOf(vault, folder);
  return readUserMap(
    { settings: vault, token, ...(caCert === undefined ? {} : { ca: caCert }) },
    { preview, ...(userMapVersion === undefined ? {} : { seenVersion: userMapVersion }) },
  );
}

/** The authority of a server's certificate as text, where the section's settings name a file. @throws Refusal when it cannot be read */
export function caOf(
  { caCertFile }: { readonly caCertFile?: string | undefined },
  folder = ".",
  section: "vault" | "forgejo" = "vault",
): { readonly caCert?: string } {
  if (caCertFile === undefined) return {};
  try {
    return { caCert: readFileSync(resolve(folder, caCertFile), "utf8") };
  } catch (cause) {
    throw new Refusal(
      `${caCertFile}: the authority that workstation:${section}.caCertFile names cannot be read: ` +
        `${(cause as Error).message}. Nothing was changed.`,
    );
  }
}
