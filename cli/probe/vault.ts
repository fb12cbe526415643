/**
 * Probes Vault for one offboarded user: their identity, policies, roles and live tokens. A token's leases end with it.
 */

import { z } from "zod";
import { deployerRole, ownerPolicy, workstationPolicy } from "../../roster/object-names.ts";
import type { K8sUser, Namespace, OsUser } from "../../roster/model.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { identities } from "../../clients/vault/identities.ts";
import { isMarked, type Live, liveTokens } from "../../clients/vault/tokens.ts";
import type { Vault } from "../../clients/vault/client.ts";
import { vaultOf } from "../stack/vault-client.ts";
import { revoked, type Finding, needsAction, type OffboardedUser, residual } from "./model.ts";

export interface VaultState {
  readonly vault: Vault;
  readonly settings: NonNullable<StackSettings["vault"]>;
  readonly live: readonly Live[];
}

const LIMIT_MS = 120_000;
const DEPLOY = "start the schedule `daily`, or run `pulumi up --refresh`: that removes it";

/** @returns undefined where the stack has no Vault. @throws VaultError when the tokens that are out cannot all be told */
export async function lookAtVault(settings: StackSettings): Promise<VaultState | undefined> {
  const vault = vaultOf(settings);
  if (vault === undefined || settings.vault === undefined) return undefined;
  return { vault, settings: settings.vault, live: await liveTokens(vault, AbortSignal.timeout(LIMIT_MS)) };
}

/** @throws VaultError */
export async function probeVault(
  { vault, settings, live }: VaultState,
  offboarded: OffboardedUser,
): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const policies = [ownerPolicy(offboarded.k8sUser as K8sUser), workstationPolicy(offboarded.osUser as OsUser)];
  const roles = offboarded.namespaces.map((namespace) => deployerRole(namespace as Namespace));
  const people = identities(vault, settings.oidcMount, signal);
  const named = await people.byName(ownerPolicy(offboarded.k8sUser as K8sUser));
  const { email, emailHolder } = offboarded;
  const signsInAs = email === undefined || emailHolder !== undefined ? undefined : await people.byAlias(email);
  const exists = async (path: string, purpose: string) =>
    (await vault.find({ method: "GET", path, purpose }, z.unknown(), signal)) !== undefined;
  const there = async (names: readonly string[], at: (name: string) => string) => {
    const found = await Promise.all(
      names.map(async (name) => ((await exists(at(name), `look for ${name}`)) ? [name] : [])),
    );
    return found.flat();
  };
  const leftPolicies = await there(policies, (name) => `sys/policies/acl/${name}`);
  const leftRoles = await there(roles, (name) => `auth/${settings.kubernetesMount}/role/${name}`);
  const marks = { entityId: named?.id, policies, roles, kubernetesMount: settings.kubernetesMount };
  const tokens = live.filter((token) => isMarked(token, marks)).length;
  const open = [named, signsInAs].filter((entity) => entity !== undefined && !entity.disabled);
  return [
    open.length === 0
      ? revoked(
          "vault",
          named === undefined && signsInAs === undefined
            ? "no entity is theirs"
            : "their entity is disabled: no sign-in leads in",
        )
      : needsAction(
          "vault",
          `the entity ${open.map((entity) => entity?.name).join(", ")} is not disabled: they can sign in`,
          DEPLOY,
        ),
    leftRoles.length === 0
      ? revoked("vault", "the roles of their pipelines are gone")
      : needsAction("vault", `roles are there: ${leftRoles.join(", ")}`, DEPLOY),
    tokens === 0
      ? revoked("vault", "none of the tokens that are out is theirs, so no lease is either")
      : needsAction("vault", `${tokens} tokens of theirs are live`, DEPLOY),
    leftPolicies.length === 0
      ? revoked("vault", "their policies are gone")
      : residual(
          "vault",
          `policies that nobody carries: ${leftPolicies.join(", ")}`,
          "the next deployment that ends well",
        ),
  ];
}
