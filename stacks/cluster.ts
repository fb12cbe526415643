/**
 * Declares the cluster's resources: admission policies, tier rights, every tenant namespace (those of offboarded users
 * included), the ingress path of the dashboard, the portal map and the API server's sign-in.
 */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { AdmissionPolicies } from "../components/cluster/admission-policies.ts";
import { DelegatedRightsProvider, DelegatedRights } from "../components/cluster/delegated-rights-resource.ts";
import { type PortalEntry, PortalMap } from "../components/cluster/portal-map.ts";
import { declareTenant, type Tenant } from "../components/cluster/tenant.ts";
import { TierRights } from "../components/cluster/declare-cluster-roles.ts";
import type { Desired, Email, K8sUser, Namespace, OsUser, Person } from "../roster/model.ts";
import { TIER_NAMES } from "../roster/tiers.ts";
import { deployDashboard } from "./dashboard.ts";
import { inTurns } from "./declare-concurrently.ts";
import type { ClusterSettings } from "../config/settings/cluster.ts";
import { deploySignIn } from "./api-server-sign-in.ts";
import { tenanciesOf } from "./preflight/namespace-owners.ts";

export interface DeployedCluster {
  /** The way to the cluster, for what else is declared in it. */
  readonly provider: k8s.Provider;
  /** What takes people's rights away: done before a host, which may be down, is waited for. */
  readonly cuts: readonly pulumi.Resource[];
  /** Bindings of an earlier version that this run empties. */
  readonly formerBindings: readonly pulumi.Resource[];
}

/** What the run has found before it declares anything. */
export interface ClusterBefore {
  /** Of `checkCluster`, which looks at the cluster before. */
  readonly signInDrift?: string;
  /** The namespaces of `formerBindingNamespaces`. */
  readonly formerBindings?: ReadonlySet<string>;
}

/** Declares what the roster's people get in the cluster that `kubeconfig` leads to. */
export async function deployCluster(
  kubeconfig: string,
  desired: Desired,
  settings: ClusterSettings,
  { signInDrift = "", formerBindings = new Set() }: ClusterBefore = {},
): Promise<DeployedCluster> {
  // The daily deployment sets it for the plugin alone. Here the SDK would make it an input of the provider, and so a change.
  delete process.env.PULUMI_K8S_ENABLE_PATCH_FORCE;
  // With it another address or authority of the same cluster is an update, and no replacement of every object.
  const provider = new k8s.Provider("cluster", {
    kubeconfig: pulumi.secret(kubeconfig),
    clusterIdentifier: "cluster",
  });
  const people = [...desired.people.values()];
  const rights = new TierRights(
    "rights",
    { members: membersOf(people), dashboards: dashboardsOf(people) },
    { provider },
  );
  const { tenantIngressAnnotations } = settings;
  const rails = new AdmissionPolicies(
    "guard-rails",
    { protectedHosts: protectedHosts(settings), tenantIngressAnnotations },
    { provider },
  );
  const { deployerRole } = rights;
  const { tokens, kept, emptied } = await declareTenants(
    desired,
    { deployerRole, formerBindings },
    { provider, dependsOn: [rails] },
  );
  const suspended = settings.plantedRights === "suspend" ? suspendDelegatedRights(kubeconfig, desired, kept) : [];
  if (settings.dashboard) deployDashboard(settings.dashboard, people, tokens, provider);
  if (settings.portalMap)
    new PortalMap("portal-map", { ...settings.portalMap, people: portalOf(people) }, { provider });
  if (settings.apiServer) deploySignIn(settings.apiServer, signInDrift);
  return { provider, cuts: [rights, ...[...kept.values()].flat(), ...suspended], formerBindings: emptied };
}

/** Those of the settings, and the dashboard's: in its Ingress, and as browsers find it. */
function protectedHosts({ protectedHosts: hosts, dashboard }: ClusterSettings): readonly string[] {
  if (dashboard === undefined) return hosts;
  const { browserOrigin, ingress } = dashboard;
  const found = browserOrigin === undefined ? [] : [new URL(browserOrigin).hostname];
  return [...new Set([...hosts, ingress.host, ...found])];
}

/** After the owner's own rights are gone, so that nothing is planted anew behind it; given back as soon as they are in. */
function suspendDelegatedRights(
  kubeconfig: string,
  desired: Desired,
  kept: ReadonlyMap<Namespace, Tenant["bindings"]>,
) {
  const provider = new DelegatedRightsProvider("planted-rights", { kubeconfig });
  return tenanciesOf(desired).map(({ namespace, hasLeft }) => {
    const after = [...(kept.get(namespace) ?? [])];
    return new DelegatedRights(
      `planted-${namespace}`,
      { namespace, suspended: hasLeft },
      { provider, dependsOn: after },
    );
  });
}

/**
 * Declares a room for every namespace that is or was somebody's: without its resource the engine would take it down. Those
 * that are handed over come after the others, and a former owner's first one, whose dashboard account is admitted to all of
 * theirs, after the rest: its next owner can speak as that account, so the others drop it before.
 * @returns each admitted owner's token of the dashboard, the bindings of the rooms that are kept without anybody in them, and
 * those of an earlier version
 */
async function declareTenants(
  desired: Desired,
  {
    deployerRole,
    formerBindings,
  }: { readonly deployerRole: pulumi.Resource; readonly formerBindings: ReadonlySet<string> },
  opts: pulumi.CustomResourceOptions,
) {
  const tokens = new Map<OsUser, pulumi.Output<string>>();
  const kept = new Map<Namespace, Tenant["bindings"]>();
  const emptied: pulumi.Resource[] = [];
  const turns = new Map([...desired.handedOver.values()].flat().map((namespace, index) => [namespace, index + 1]));
  const turnOf = ({ namespace }: { readonly namespace: Namespace }) => turns.get(namespace) ?? 0;
  const rooms = [...desired.people.values(), ...desired.left.values()]
    .flatMap((person) => [...person.namespaces, ...person.formerNamespaces].map((namespace) => ({ person, namespace })))
    .sort((a, b) => turnOf(a) - turnOf(b));
  const declared = new Map<Namespace, Tenant["bindings"]>();
  await inTurns(rooms, ({ person, namespace }) => {
    const isIn = desired.people.has(person.osUser);
    const home = person.namespaces[0] ?? namespace;
    const admit = isIn && person.namespaces.includes(namespace) ? person.email : undefined;
    const { quota, k8sUser: owner } = person;
    const isHandedOver = turns.has(namespace);
    const admitAfter = namespacesOfFormerOwners(namespace, desired).flatMap((other) => declared.get(other) ?? []);
    const hasFormerBindings = formerBindings.has(namespace);
    const { dashboardToken, bindings, ...former } = declareTenant(
      `tenant-${namespace}`,
      {
        ...{ namespace, owner, quota, home, isHandedOver, admitAfter, deployerRole, hasFormerBindings },
        ...(admit === undefined ? {} : { admit }),
      },
      opts,
    );
    declared.set(namespace, bindings);
    emptied.push(...former.formerBindings);
    if (admit === undefined) kept.set(namespace, bindings);
    if (namespace === home && dashboardToken !== undefined) tokens.set(person.osUser, dashboardToken);
    return bindings.at(-1);
  });
  return { tokens, kept, emptied };
}

/** The namespaces in which a former owner of this one may be admitted by their account of this one. */
const namespacesOfFormerOwners = (namespace: Namespace, { people, left, handedOver }: Desired): readonly Namespace[] =>
  [...handedOver].flatMap(([user, given]) => {
    const former = people.get(user) ?? left.get(user);
    return given.includes(namespace) && former !== undefined
      ? [...former.namespaces, ...former.formerNamespaces, ...given].filter((other) => other !== namespace)
      : [];
  });

/** People whose e-mail nobody knows yet are in no binding: their grant is pending. */
const membersOf = (people: readonly Person[]) => {
  const members = (tier: Person["tier"]) =>
    people.flatMap((person) => (person.tier === tier && person.email !== undefined ? [person.email] : []));
  return Object.fromEntries(TIER_NAMES.map((tier) => [tier, members(tier)])) as Record<Person["tier"], Email[]>;
};

const dashboardsOf = (people: readonly Person[]): { namespace: Namespace; owner: K8sUser }[] =>
  people
    .filter(({ email }) => email !== undefined)
    .flatMap(({ namespaces, k8sUser }) => namespaces.map((namespace) => ({ namespace, owner: k8sUser })));

const portalOf = (people: readonly Person[]): ReadonlyMap<Email, PortalEntry> =>
  new Map(
    people.flatMap(({ email, tier, namespaces }) => (email === undefined ? [] : [[email, { role: tier, namespaces }]])),
  );
