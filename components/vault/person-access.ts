/**
 * Declares one person's access to Vault: their policies, their identity, and the roles of their namespaces' pipelines.
 */

import * as pulumi from "@pulumi/pulumi";
import * as vault from "@pulumi/vault";
import type { Email, Holder, K8sUser, Namespace } from "../../roster/model.ts";
import { deployerRoleName, ownerPolicyName, workstationPolicyName } from "./names.ts";
import type { FormerResourceNames } from "./former-resource-names.ts";
import { ownerPolicy, workstationPolicy } from "./policies.ts";
import { VaultPerson, WorkstationToken } from "./resources.ts";

/** How Vault is laid out in this stack. */
export interface VaultSite {
  readonly kvMount: string;
  readonly oidcMount: string;
  readonly kubernetesMount: string;
  readonly deployer: { readonly serviceAccount: string; readonly ttlSeconds: number; readonly maxTtlSeconds: number };
  /** Absent where credential syncs get no tokens. */
  readonly workstationTokens?:
    | Readonly<Record<"rotateAfterDays" | "overlapDays" | "generation", number> & { readonly role: string }>
    | undefined;
}

export interface PersonAccessArgs {
  /** Plain: it decides which resources exist. */
  readonly person: Holder;
  readonly state: "present" | "left";
  /** Whether a credential sync of theirs runs. */
  readonly syncs: boolean;
  readonly site: VaultSite;
  /** Their former name, where they were renamed: their identity goes with them. */
  readonly former?: K8sUser;
  /** What they sign in by; absent where it is not known, or somebody else's since they left. */
  readonly address?: Email;
  /** Whether the address was another person's. */
  readonly isReassignedAddress: boolean;
  /** The identities of former holders of the address, which release it first. */
  readonly releases: readonly pulumi.Resource[];
  /** Namespaces that were theirs and are nobody's today. */
  readonly lostNamespaces: readonly Namespace[];
  /** Namespaces that were theirs and are somebody else's today. */
  readonly handedOver: readonly Namespace[];
  /** The identities of former owners of a namespace, which give its role up first. */
  readonly formerOwners: (namespace: Namespace) => readonly Promise<pulumi.Resource>[];
  /** By what the state of an earlier version may call their resources. */
  readonly formerResourceNames: FormerResourceNames;
}

/** Policies and roles exist only for somebody present; the identity stays as "left", so that the cut is kept up. */
export class PersonAccess extends pulumi.ComponentResource {
  /** Their identity: what comes before it is declared earlier. */
  readonly settled: pulumi.Resource;
  /** The token of their credential sync; revoked where none runs, and absent where the site issues none. */
  readonly workstationToken: WorkstationToken | undefined;

  constructor(name: string, args: PersonAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:vault:PersonAccess", name, {}, opts);
    const policies = args.state === "present" ? writePolicies(this, name, args) : [];
    const identity = declareIdentity(this, name, args, policies);
    if (args.state === "present") admitDeployers(this, name, args, identity);
    this.workstationToken = declareToken(this, name, args, policies);
    this.settled = identity;
    this.registerOutputs();
  }
}

const ownsNamespaces = ({ tier }: Holder) => tier === "namespace-owner";

/** `@` stands in no `k8s_user` and in no namespace, so the parts of two people's names never give one name. */
const resourceName = (name: string, part: string): string => `${name}@${part}`;

function writePolicies(parent: PersonAccess, name: string, args: PersonAccessArgs): vault.Policy[] {
  const { person, site, formerResourceNames } = args;
  const { osUser, k8sUser, formerNames } = person;
  // Named like the policy, by the account: under another name of theirs in Vault the engine would make it, and then delete it.
  const workstation = new vault.Policy(
    `vault-${workstationPolicyName(osUser)}`,
    { name: workstationPolicyName(osUser), policy: workstationPolicy(site.kvMount, osUser, formerNames) },
    { parent, aliases: formerResourceNames.ofWorkstationPolicy(person) },
  );
  if (!ownsNamespaces(person)) return [workstation];
  const owner = new vault.Policy(
    resourceName(name, "owner"),
    { name: ownerPolicyName(k8sUser), policy: ownerPolicy(site.kvMount, k8sUser) },
    { parent, aliases: formerResourceNames.ofOwnerPolicy(person) },
  );
  return [workstation, owner];
}

/** Policies come first: an entity may name one that does not exist yet, and would be without it meanwhile. */
const declareIdentity = (parent: PersonAccess, name: string, args: PersonAccessArgs, policies: vault.Policy[]) => {
  const { person, state, site } = args;
  const present = state === "present" && ownsNamespaces(person);
  return new VaultPerson(
    name,
    {
      name: ownerPolicyName(person.k8sUser),
      formerName: args.former === undefined ? null : ownerPolicyName(args.former),
      state,
      alias: args.address ?? null,
      isReassignedAlias: args.isReassignedAddress,
      mount: site.oidcMount,
      policies: present ? [ownerPolicyName(person.k8sUser)] : [],
      marks: [ownerPolicyName(person.k8sUser), workstationPolicyName(person.osUser)],
      kubernetesMount: site.kubernetesMount,
      roles: person.namespaces.map(deployerRoleName),
      lostRoles: args.lostNamespaces.map(deployerRoleName),
      handedOverRoles: args.handedOver.map(deployerRoleName),
    },
    { parent, dependsOn: [...policies, ...args.releases] },
  );
};

/**
 * After the identity: somebody who returns must be present again before their pipelines sign in. The identity also takes the
 * roles away: the engine deletes last, when the role may be the next owner's, and not at all while a host is down. A role that
 * is handed over is written after its former owner's identity: until then it would give tokens with the former owner's policy.
 */
const admitDeployers = (
  parent: PersonAccess,
  name: string,
  { person, site, formerOwners, formerResourceNames }: PersonAccessArgs,
  identity: VaultPerson,
) => {
  if (!ownsNamespaces(person)) return;
  for (const namespace of person.namespaces) {
    new vault.kubernetes.AuthBackendRole(
      resourceName(name, namespace),
      {
        backend: site.kubernetesMount,
        roleName: deployerRoleName(namespace),
        boundServiceAccountNames: [site.deployer.serviceAccount],
        boundServiceAccountNamespaces: [namespace],
        tokenPolicies: [ownerPolicyName(person.k8sUser)],
        tokenTtl: site.deployer.ttlSeconds,
        tokenMaxTtl: site.deployer.maxTtlSeconds,
        // Batch tokens cannot be revoked one by one, so none are issued.
        tokenType: "service",
      },
      {
        ...{ parent, dependsOn: [identity, ...formerOwners(namespace)], retainOnDelete: true },
        aliases: formerResourceNames.ofRole(person, namespace),
      },
    );
  }
};

/** Somebody who left keeps the resource, which says "revoked": a return has to bring another token. */
const declareToken = (
  parent: PersonAccess,
  name: string,
  { person, site: { workstationTokens }, state, syncs }: PersonAccessArgs,
  policies: vault.Policy[],
): WorkstationToken | undefined =>
  workstationTokens === undefined
    ? undefined
    : new WorkstationToken(
        `${name}-workstation-token`,
        { name: workstationPolicyName(person.osUser), ...workstationTokens, revoked: state === "left" || !syncs },
        { parent, dependsOn: policies },
      );
