/** Issues tokens by a token role of Vault, renews them, and tells what such a role has to be like. */

import { z } from "zod";
import { change, type Vault, VaultError } from "./client.ts";

/** Vault leaves out what is not set, or says null. */
const list = z
  .array(z.unknown())
  .nullish()
  .transform((entries) => entries ?? []);

const role = z.object({
  data: z.object({
    orphan: z.boolean().default(false),
    renewable: z.boolean().default(false),
    token_no_default_policy: z.boolean().default(false),
    token_period: z.number().default(0),
    token_type: z.string().default(""),
    token_explicit_max_ttl: z.number().default(0),
    token_num_uses: z.number().default(0),
    token_bound_cidrs: list,
    path_suffix: z.string().default(""),
    allowed_policies: list,
    allowed_policies_glob: list,
    disallowed_policies: list,
    disallowed_policies_glob: list,
    allowed_entity_aliases: list,
  }),
});

export type TokenRole = z.output<typeof role>["data"];

/** @returns undefined where Vault has no such role */
export async function findTokenRole(vault: Vault, name: string, signal?: AbortSignal): Promise<TokenRole | undefined> {
  const ask = { method: "GET", path: `auth/token/roles/${name}`, purpose: `read the token role ${name}` } as const;
  return (await vault.find(ask, role, signal))?.data;
}

/** Pure. @returns what keeps the role from issuing tokens that carry one policy of the pattern, can be renewed for good and be revoked one by one */
export function tokenRoleFaults(found: TokenRole | undefined, policies: string): readonly string[] {
  if (found === undefined) return ["there is no such role"];
  const { allowed_policies_glob: globs, token_period: period, token_explicit_max_ttl: end } = found;
  const others = [...found.allowed_policies, ...globs.filter((glob) => glob !== policies)];
  const excluded = [...found.disallowed_policies, ...found.disallowed_policies_glob];
  const isPeriodic = found.renewable && period > 0;
  const wanted: readonly (readonly [boolean, string])[] = [
    [globs.includes(policies), `does not allow the policies ${policies}`],
    [others.length === 0, `also allows the policies ${others.join(", ")}`],
    [excluded.length === 0, `excludes the policies ${excluded.join(", ")}`],
    [found.allowed_entity_aliases.length === 0, "lets tokens have another identity's policies"],
    [found.orphan, "gives tokens that end with the program's own"],
    [isPeriodic, "gives tokens that cannot be renewed for good"],
    [!isPeriodic || period >= SHORTEST_PERIOD_S, `gives tokens of ${hoursOf(period)}, which may end before a renewal`],
    [end === 0, `gives tokens that end after ${hoursOf(end)} whatever renews them`],
    [found.token_num_uses === 0, `gives tokens that end after ${found.token_num_uses} uses`],
    [found.token_bound_cidrs.length === 0, "binds tokens to addresses, and the program renews them from another one"],
    [found.path_suffix === "", "has a path suffix, so that the tokens that it issued are not found again"],
    [found.token_no_default_policy, 'adds the policy "default"'],
    [["service", "default-service"].includes(found.token_type), "may give batch tokens, which cannot be revoked"],
  ];
  return wanted.flatMap(([holds, fault]) => (holds ? [] : [fault]));
}

/**
 * The daily deployment renews a token from half of its life on, and may come a day late. What is then left of half of eight
 * days is a long weekend on which no deployment runs.
 */
export const SHORTEST_PERIOD_S = 8 * 24 * 3600;

const hoursOf = (seconds: number): string => `${Math.round(seconds / 360) / 10} h`;

/** How an administrator of Vault mends the role. Vault keeps what a write leaves out, so one that is there goes first. */
export const tokenRoleRemedy = (name: string, policies: string, found: TokenRole | undefined): string =>
  `${found === undefined ? "" : `vault delete auth/token/roles/${name} && `}${tokenRoleCommand(name, policies)}`;

/** How an administrator of Vault makes such a role. */
export const tokenRoleCommand = (name: string, policies: string): string =>
  `vault write auth/token/roles/${name} allowed_policies_glob='${policies}' orphan=true renewable=true token_period=768h ` +
  "token_no_default_policy=true token_type=service";

const issued = z.object({
  auth: z.object({
    client_token: z.string().min(1),
    accessor: z.string().min(1),
    policies: z.array(z.string()),
    lease_duration: z.number(),
  }),
});

/** A token right after it was issued. */
export interface IssuedToken {
  /** Secret; Vault never tells it again. */
  readonly token: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  /** How long it lives without being renewed. */
  readonly periodSeconds: number;
}

export async function issueToken(
  vault: Vault,
  roleName: string,
  policy: string,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const path = `auth/token/create/${roleName}`;
  const body = { policies: [policy], display_name: policy };
  const purpose = `issue a token with the policy ${policy}`;
  const made = (await vault.find({ method: "POST", path, body, purpose }, issued, signal))?.auth;
  if (made === undefined) throw new VaultError(`cannot ${purpose}: Vault has no token role "${roleName}"`);
  const { client_token: token, accessor, policies, lease_duration: periodSeconds } = made;
  return { token, accessor, policies, periodSeconds };
}

/** @param own opened with the token that is to be renewed: no other right is needed for it. @throws VaultError where it is not renewed */
export async function renewSelf(own: Vault, policy: string, signal: AbortSignal): Promise<void> {
  const purpose = `renew the token with the policy ${policy}`;
  await change(own, { method: "POST", path: "auth/token/renew-self", body: {}, purpose }, signal);
}
