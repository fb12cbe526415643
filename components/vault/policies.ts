/**
 * Renders the texts of Vault's policies. Every path is one person's own, in two forms: itself, and everything below it.
 * A path like `secret/data/anca*` would open `secret/data/ancamilea` as well.
 */

import type { K8sUser, OsUser } from "../../roster/model.ts";

/** One person's own secrets, theirs to fill; of the versions' bookkeeping only looking and removing. */
export const ownerPolicy = (kvMount: string, k8sUser: K8sUser): string =>
  policyText([
    ...itselfAndBelow(`${kvMount}/data/${k8sUser}`, ["create", "read", "update", "patch", "delete"]),
    ...itselfAndBelow(`${kvMount}/metadata/${k8sUser}`, ["list", "read", "delete"]),
  ]);

/**
 * One workstation's own secret, and what a token needs to know and renew itself.
 * @param formerNames of the account: what was kept below them can still be read, and nobody else is ever given them
 */
export const workstationPolicy = (kvMount: string, osUser: OsUser, formerNames: readonly OsUser[] = []): string =>
  policyText([
    { path: `${kvMount}/data/workstation/claude-users/${osUser}`, capabilities: ["create", "read", "update"] },
    ...formerNames.map((was) => ({
      path: `${kvMount}/data/workstation/claude-users/${was}`,
      capabilities: ["read"],
    })),
    { path: "auth/token/lookup-self", capabilities: ["read"] },
    { path: "auth/token/renew-self", capabilities: ["update"] },
  ]);

/** The policies of all workstations, as Vault's patterns write it. */
export const WORKSTATION_POLICIES = "workstation-claude-*";

/** Where in Vault the program works. */
export interface ProgramMounts {
  readonly kv: string;
  readonly kubernetes: string;
  /** Absent where the map comes from a file. */
  readonly userMap?: string | undefined;
  /** Token role for the tokens of credential syncs; absent where none are issued. */
  readonly tokenRole?: string | undefined;
}

/** What the program's own token needs, and no more; an operator sets it up once (docs/vault.md). */
export const programPolicy = (mounts: ProgramMounts): string => policyText(programRights(mounts));

/** The rules of that policy. */
export const programRights = (mounts: ProgramMounts): readonly Rule[] => [
  ...(mounts.userMap === undefined ? [] : [{ path: `${mounts.kv}/data/${mounts.userMap}`, capabilities: ["read"] }]),
  { path: "sys/auth", capabilities: ["read"] },
  ...["namespace-owner-*", WORKSTATION_POLICIES].map((name) => ({
    path: `sys/policies/acl/${name}`,
    capabilities: ["create", "read", "update", "delete"],
  })),
  ...["entity", "entity-alias"].flatMap((kind) => [
    { path: `identity/${kind}`, capabilities: ["create", "update"] },
    { path: `identity/${kind}/*`, capabilities: ["create", "read", "update", "delete"] },
  ]),
  { path: "identity/lookup/entity", capabilities: ["create", "update"] },
  { path: `auth/${mounts.kubernetes}/role/*`, capabilities: ["create", "read", "update", "delete"] },
  // Listing accessors is a right of its own in Vault, hence sudo.
  { path: "auth/token/accessors/", capabilities: ["list", "sudo"] },
  ...["lookup-accessor", "revoke-accessor"].map((verb) => ({
    path: `auth/token/${verb}`,
    capabilities: ["create", "update"],
  })),
  { path: "auth/token/lookup-self", capabilities: ["read"] },
  // The daily deployment renews it. Vault's policy "default" has this too, which a token may be issued without.
  { path: "auth/token/renew-self", capabilities: ["update"] },
  ...(mounts.tokenRole === undefined ? [] : tokenRoleRights(mounts.tokenRole)),
];

/** Tokens with a workstation's policy and no other: the role, which only an administrator changes, allows nothing else. */
const tokenRoleRights = (role: string): readonly Rule[] => [
  { path: `auth/token/roles/${role}`, capabilities: ["read"] },
  { path: `auth/token/create/${role}`, capabilities: ["create", "update"] },
];

/** One rule of a policy. */
export interface Rule {
  readonly path: string;
  readonly capabilities: readonly string[];
}

const itselfAndBelow = (path: string, capabilities: readonly string[]): readonly Rule[] => [
  { path, capabilities },
  { path: `${path}/*`, capabilities },
];

/** A policy's text. Names were checked by the roster's rules, and none of them can hold a quote, a wildcard or a slash. */
export const policyText = (rules: readonly Rule[]): string =>
  rules
    .map(({ path, capabilities }) => {
      const list = capabilities.map((capability) => `"${capability}"`).join(", ");
      return `path "${path}" {\n  capabilities = [${list}]\n}\n`;
    })
    .join("\n");
