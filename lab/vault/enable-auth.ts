/** Enables auth mounts of the lab's Vault. */
import type { LabVault } from "./api.ts";

/** Makes sure that there is a mount of this type at the path. */
export async function enableAuth(vault: LabVault, path: string, type: string): Promise<void> {
  const mounts = (await vault.must("GET", "sys/auth")) as { readonly data: Readonly<Record<string, object>> };
  if (`${path}/` in mounts.data) return;
  await vault.must("POST", `sys/auth/${path}`, { type });
}
