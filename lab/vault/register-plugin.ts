/** Registers the plugin that signs ServiceAccounts in with the lab's Vault, by its checksum. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { LabError } from "../lab-error.ts";
import type { LabVault } from "./api.ts";

export const KUBERNETES_PLUGIN = "vault-plugin-auth-kubernetes";

/** Safe to repeat. @returns `replaced` where Vault knew the plugin by another checksum */
export async function registerPlugin(vault: LabVault, file: string): Promise<"registered" | "replaced" | "unchanged"> {
  const path = `sys/plugins/catalog/auth/${KUBERNETES_PLUGIN}`;
  const sha256 = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  const { status, body } = await vault.ask("GET", path);
  if (status !== 200 && status !== 404) throw new LabError(`Vault answers GET ${path} with ${status}.`);
  const registeredSha256 = status === 200 ? registered.parse(body).data.sha256 : undefined;
  if (registeredSha256 === sha256) return "unchanged";
  await vault.must("PUT", path, { sha256, command: KUBERNETES_PLUGIN });
  return registeredSha256 === undefined ? "registered" : "replaced";
}

const registered = z.object({ data: z.object({ sha256: z.string() }) });
