/** Checks Vault: how long the program's token lives, what it may do, and whether the mounts that the settings name exist. */

import { z } from "zod";
import { type Vault, VaultError } from "../../clients/vault/client.ts";
import { findTokenRole, type TokenRole, tokenRoleFaults, tokenRoleRemedy } from "../../clients/vault/token-roles.ts";
import type { VaultSettings } from "../../config/settings/vault.ts";
import { policyText, programRights, type Rule, WORKSTATION_POLICIES } from "../../stacks/offline/vault-rights.ts";
import { type Check, missing, ok, type Target } from "./model.ts";

const token = z.object({
  data: z.object({
    display_name: z.string().default(""),
    ttl: z.number(),
    period: z.number().optional(),
    renewable: z.boolean(),
    /** Whether no other token's end revokes it. */
    orphan: z.boolean(),
    /** 0 for a token that may be used without limit. */
    num_uses: z.number(),
    /** 0 for a token that may be renewed for ever. */
    explicit_max_ttl: z.number(),
  }),
});
const capabilities = z.object({ data: z.record(z.string(), z.unknown()) });
const mounts = z.object({ data: z.record(z.string(), z.unknown()) });
const list = z.array(z.string());

/** What a site asks of Vault beside what its settings name. */
export interface VaultUse {
  /** The user map comes from Vault, and not from a file. */
  readonly readsUserMap: boolean;
  /** Somebody owns namespaces, whose pipelines sign in. */
  readonly hasNamespaces: boolean;
}

/** @throws VaultError where Vault does not answer, or does not know the token */
export async function vaultChecks(vault: Vault, settings: VaultSettings, use: VaultUse): Promise<readonly Check[]> {
  const tokenData = await vault.find(
    { method: "GET", path: "auth/token/lookup-self", purpose: "look up the program's own token" },
    token,
  );
  // Without an answer its life would pass for one without an end.
  if (tokenData === undefined) throw new VaultError("Vault says nothing about the program's own token");
  const who = tokenData.data.display_name || "the program's token";
  const target: Target = { surface: "vault", where: settings.address, who };
  const rules = programRights({
    kv: settings.kvMount,
    kubernetes: settings.kubernetesMount,
    userMap: use.readsUserMap ? settings.userMap.path : undefined,
    tokenRole: settings.workstationTokens?.role,
  });
  const paths = rules.map(({ path }) => exampleOf(path));
  const has = await vault.find(
    { method: "POST", path: "sys/capabilities-self", body: { paths }, purpose: "ask what the program's token may do" },
    capabilities,
  );
  const checks = [
    ok(target, "token", "Vault knows it"),
    lifetime(target, tokenData.data),
    ...endsEarly(target, tokenData.data),
    ...judgeRights(target, rules, has?.data ?? {}),
  ];
  // What cannot be read without a right is a finding already.
  const mayRead = (path: string) =>
    !checks.some(({ what, state }) => what === `right on ${path}` && state === "missing");
  if (mayRead("sys/auth")) {
    const there = await vault.find({ method: "GET", path: "sys/auth", purpose: "list the auth mounts" }, mounts);
    checks.push(...judgeMounts(target, settings, use, Object.keys(there?.data ?? {})));
  }
  const role = settings.workstationTokens?.role;
  if (role !== undefined && mayRead(`auth/token/roles/${role}`))
    checks.push(judgeTokenRole(target, role, await findTokenRole(vault, role)));
  return checks;
}

function judgeTokenRole(target: Target, name: string, role: TokenRole | undefined): Check {
  const faults = tokenRoleFaults(role, WORKSTATION_POLICIES);
  if (faults.length === 0) return ok(target, `token role ${name}`, "issues tokens of workstations");
  return missing(target, `token role ${name}`, {
    found: faults.join("; "),
    expected: "a role that issues tokens of workstations, and no others",
    remedy: tokenRoleRemedy(name, WORKSTATION_POLICIES, role),
  });
}

/** A path that the rule's pattern covers, and that belongs to nobody. */
const exampleOf = (path: string): string => path.replace(/\*$/, "doctor");

/** Pure. @param has capabilities by path, as Vault names them */
export function judgeRights(
  target: Target,
  rules: readonly Rule[],
  has: Readonly<Record<string, unknown>>,
): readonly Check[] {
  const findings = rules.flatMap(({ path, capabilities: wanted }) => {
    const parsed = list.safeParse(has[exampleOf(path)]);
    const granted = parsed.success ? parsed.data : [];
    const lacking = granted.includes("root") ? [] : wanted.filter((one) => !granted.includes(one));
    if (lacking.length === 0) return [];
    return [
      missing(target, `right on ${path}`, {
        found: `the token may not ${lacking.join(", ")}`,
        expected: wanted.join(", "),
        remedy: `add to the policy of the program's token (docs/vault.md has all of it):\n${policyText([{ path, capabilities: wanted }]).trimEnd()}`,
      }),
    ];
  });
  return findings.length > 0
    ? findings
    : [ok(target, "rights", `all that a deployment uses, on ${rules.length} paths`)];
}

/** A token of fewer days is about to end, unless whoever keeps it renews it. */
const SHORTEST_TTL_S = 3 * 24 * 3600;

function lifetime(target: Target, { ttl, period }: z.output<typeof token>["data"]): Check {
  if (ttl === 0) return ok(target, "token's life", "has no end");
  const left = ttl >= 172_800 ? `${Math.floor(ttl / 86_400)} days` : `${Math.floor(ttl / 3600)} hours`;
  const renewable = period === undefined ? "" : ", and each renewal starts it again";
  if (ttl >= SHORTEST_TTL_S) return ok(target, "token's life", `${left} left${renewable}`);
  return missing(target, "token's life", {
    found: `${left} left`,
    expected: "3 days or more",
    remedy: period === undefined ? "issue a periodic token with the same policy" : "vault token renew, with that token",
  });
}

/** What ends the token however often the daily deployment renews it. */
function endsEarly(
  target: Target,
  { ttl, period, renewable, orphan, num_uses: uses, explicit_max_ttl: limit }: z.output<typeof token>["data"],
): readonly Check[] {
  const isRenewed = renewable && period !== undefined && limit === 0;
  const faults = [
    ...(orphan ? [] : ["it is revoked with the token that made it"]),
    ...(ttl === 0 || isRenewed ? [] : ["it ends whatever renews it"]),
    ...(uses === 0 ? [] : [`it ends after ${uses} more uses`]),
  ];
  if (faults.length === 0) return [];
  return [
    missing(target, "token's kind", {
      found: faults.join("; "),
      expected: "an orphan that is periodic and renewable, without a limit: the daily deployment keeps it alive",
      remedy:
        "vault token create -orphan -period=768h -policy=workstation-program, and: pulumi config set --secret vaultToken",
    }),
  ];
}

function judgeMounts(
  target: Target,
  { oidcMount, kubernetesMount }: VaultSettings,
  { hasNamespaces }: VaultUse,
  there: readonly string[],
): readonly Check[] {
  const wanted = [
    ["oidc", "vault.oidcMount", oidcMount],
    ...(hasNamespaces ? [["kubernetes", "vault.kubernetesMount", kubernetesMount] as const] : []),
  ] as const;
  return wanted.map(([type, setting, mount]) =>
    there.includes(`${mount}/`)
      ? ok(target, `auth mount ${mount}`, "there")
      : missing(target, `auth mount ${mount}`, {
          found: `there is none; the mounts are ${there.map((name) => name.replace(/\/$/, "")).join(", ")}`,
          expected: `the mount that ${setting} names`,
          remedy: `vault auth enable -path=${mount} ${type}, or correct ${setting}`,
        }),
  );
}
