/** Issues tokens by a token role of Vault, renews them, and tells what such a role has to be like. */

import { z } from "zod";
import { type Vault, VaultError } from "./client.ts";

const role = z.object({
  data: z.object({
    orphan: z.boolean().default(false),
    renewable: z.boolean().default(false),
    token_no_default_policy: z.boolean().default(false),
    token_period: z.number().default(0),
    token_type: z.string().default(""),
    allowed_policies_glob: z
      .array(z.string())
      .nullish()
      .transform((list) => list ?? []),
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
  const wanted: readonly (readonly [boolean, string])[] = [
    [found.allowed_policies_glob.includes(policies), `does not allow the policies ${policies}`],
    [found.orphan, "gives tokens that end with the program's own"],
    [found.renewable && found.token_period > 0, "gives tokens that cannot be renewed for good"],
    [found.token_no_default_policy, 'adds the policy "default"'],
    [["service", "default-service"].includes(found.token_type), "may give batch tokens, which cannot be revoked"],
  ];
  return wanted.flatMap(([holds, fault]) => (holds ? [] : [fault]));
}

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

/** @param own opened with the token that is to be renewed: no other right is needed for it */
export async function renewSelf(own: Vault, policy: string, signal: AbortSignal): Promise<void> {
  const purpose = `renew the token with the policy ${policy}`;
  await own.tell({ method: "POST", path: "auth/token/renew-self", body: {}, purpose }, signal);
}
