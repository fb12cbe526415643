/** The cluster: tier rights, every tenant's namespace (those of people who left included), the dashboard's way in. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { GuardRails } from "../components/cluster/guard-rails.ts";
import { type PortalEntry, PortalMap } from "../components/cluster/portal-map.ts";
import { Tenant } from "../components/cluster/tenant.ts";
import { TierRights } from "../components/cluster/tier-rights.ts";
import type { Desired, Email, K8sUser, Namespace, OsUser, Person } from "../roster/model.ts";
import { TIER_NAMES } from "../roster/tiers.ts";
import { deployDashboard } from "./dashboard.ts";
import { inTurns } from "./in-turns.ts";
import type { ClusterSettings } from "./settings/cluster.ts";
import { deploySignIn } from "./sign-in.ts";

/**
 * Declares what the roster's people get in the cluster that `kubeconfig` leads to.
 * @param signInDrift of `checkCluster`, which looks at the cluster before
 * @returns the way to the cluster, for what else is declared in it
 */
export async function deployCluster(
  kubeconfig: string,
  desired: Desired,
  settings: ClusterSettings,
  signInDrift = "",
): Promise<k8s.Provider> {
  const provider = new k8s.Provider("cluster", { kubeconfig: pulumi.secret(kubeconfig) });
  const people = [...desired.people.values()];
  new TierRights("rights", { members: membersOf(people), dashboards: dashboardsOf(people) }, { provider });
  const hosts = [...settings.protectedHosts, ...(settings.dashboard ? [settings.dashboard.ingress.host] : [])];
  const rails = new GuardRails("guard-rails", { protectedHosts: hosts }, { provider });
  const tokens = await declareTenants(desired, { provider, dependsOn: [rails] });
  if (settings.dashboard) deployDashboard(settings.dashboard, people, tokens, provider);
  if (settings.portalMap)
    new PortalMap("portal-map", { ...settings.portalMap, people: portalOf(people) }, { provider });
  if (settings.apiServer) deploySignIn(settings.apiServer, signInDrift);
  return provider;
}

/**
 * Declares a room for every namespace that is or was somebody's: without its resource the engine would take it down.
 * @returns each admitted owner's token of the dashboard
 */
async function declareTenants(desired: Desired, opts: pulumi.ComponentResourceOptions) {
  const tokens = new Map<OsUser, pulumi.Output<string>>();
  const rooms = [...desired.people.values(), ...desired.left.values()].flatMap((person) =>
    [...person.namespaces, ...person.formerNamespaces].map((namespace) => ({ person, namespace })),
  );
  await inTurns(rooms, ({ person, namespace }) => {
    const isIn = desired.people.has(person.osUser);
    const home = person.namespaces[0] ?? namespace;
    const admit = isIn && person.namespaces.includes(namespace) ? person.email : undefined;
    const { quota, k8sUser: owner } = person;
    const { dashboardToken, settled } = new Tenant(
      `tenant-${namespace}`,
      { namespace, owner, quota, home, ...(admit === undefined ? {} : { admit }) },
      opts,
    );
    if (namespace === home && dashboardToken !== undefined) tokens.set(person.osUser, dashboardToken);
    return settled;
  });
  return tokens;
}

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
