/**
 * Sets up the lab's Vault after every start, as an operator does once in production: the key-value mount, the program's
 * policy and token, the token role of the credential syncs, the user map.
 */
import { readFile } from "node:fs/promises";
import { programPolicy } from "../../components/vault/policies.ts";
import { LabError } from "../lab-error.ts";
import type { LabVault } from "./api.ts";

/** Safe to repeat. @returns the program's token: the former one as long as it is good */
export async function setUpVault(vault: LabVault, formerToken: string | undefined): Promise<string> {
  await enableKeyValues(vault);
  const mounts = { kv: "secret", kubernetes: "kubernetes", userMap: "platform", tokenRole: TOKEN_ROLE };
  const policy = programPolicy(mounts);
  await vault.must("PUT", `sys/policies/acl/${PROGRAM}`, { policy });
  await vault.must("POST", `auth/token/roles/${TOKEN_ROLE}`, {
    ...{ allowed_policies_glob: ["workstation-claude-*"], orphan: true, renewable: true },
    ...{ token_period: "768h", token_no_default_policy: true, token_type: "service" },
  });
  await seedUserMap(vault);
  if (formerToken !== undefined && (await isGood(vault, formerToken))) return formerToken;
  const body = { display_name: PROGRAM, policies: [PROGRAM], period: "768h", no_parent: true };
  const made = (await vault.must("POST", "auth/token/create", body)) as {
    readonly auth: { readonly client_token: string };
  };
  return made.auth.client_token;
}

const PROGRAM = "workstation-program";
const TOKEN_ROLE = "workstation-claude";

const isGood = async (vault: LabVault, token: string) =>
  (await vault.ask("GET", "auth/token/lookup-self", undefined, token)).status === 200;

async function enableKeyValues(vault: LabVault): Promise<void> {
  const mounts = (await vault.must("GET", "sys/mounts")) as { readonly data: Readonly<Record<string, object>> };
  if ("secret/" in mounts.data) return;
  await vault.must("POST", "sys/mounts/secret", { type: "kv", options: { version: "2" } });
}

/** Tests change the map, so one that is there stays. */
async function seedUserMap(vault: LabVault): Promise<void> {
  const { status } = await vault.ask("GET", "secret/data/platform");
  if (status === 200) return;
  if (status !== 404) throw new LabError(`Vault answers the reading of secret/platform with ${status}.`);
  const k8sUsers = await readFile(new URL("../k8s-users.json", import.meta.url), "utf8");
  await vault.must("POST", "secret/data/platform", { data: { k8s_users: k8sUsers } });
}
