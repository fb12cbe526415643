/**
 * Derives one person's row from what was read of them. A value that is not written down somewhere is a guess and says
 * so, and where two guesses are possible there is none.
 */

import type { Tier } from "../../roster/model.ts";
import { K8S_USER } from "../../roster/schema/patterns.ts";
import { TIER_NAMES } from "../../roster/tiers.ts";
import type { Account, HomeState, HostState } from "./read-host.ts";
import type { Candidate, Field, Guessed, Observed, Value } from "./observed-people.ts";
import type { MapEntry, Member } from "./read-services.ts";

/** @returns the row, and what keeps it from being one */
export function rowOf(
  { account, host, authentikUser }: Candidate,
  seen: Observed,
): Guessed & { readonly open: readonly string[] } {
  const open: string[] = [];
  const { name } = account;
  const k8s = k8sUserOf(name, authentikUser, seen.userMap);
  if (k8s.open !== undefined) open.push(k8s.open);
  const entry = seen.userMap.get(k8s.user);
  const email = emailOf([name, authentikUser, k8s.user], entry, seen);
  if (email.open !== undefined) open.push(email.open);
  const namespaces = namespacesOf(entry, email.email, seen);
  const tier = tierOf(account, host, entry, namespaces.length > 0);
  const forge = forgeOf([name, authentikUser, k8s.user], email.email, seen.members);
  if (forge.open !== undefined) open.push(forge.open);
  const t3 = portsOf(name, authentikUser, host);
  if (t3.open !== undefined) open.push(t3.open);
  const owns = tier.tier === "namespace-owner";
  if (owns && namespaces.length === 0) open.push("would own namespaces, and none is known to be theirs");
  const field = (key: string, value: Value, why?: string): Field => ({
    key,
    value,
    ...(why === undefined ? {} : { why }),
  });
  const parked = !host.running.has(name) && host.running.size > 0;
  const fields: Field[] = [
    field("authentik_user", authentikUser),
    field("k8s_user", k8s.user, k8s.why),
    field("tier", tier.tier, tier.why),
    ...(owns
      ? [
          field(
            "namespaces",
            namespaces.map(({ namespace }) => namespace),
            whyOf(namespaces),
          ),
        ]
      : []),
    ...(entry?.email === undefined && email.email !== undefined ? [field("email", email.email, email.why)] : []),
    ...layoutOf(tier.tier, seen.homes.get(`${host.host}/${name}`), seen),
    ...(forge.member === undefined ? [] : [field("forgejo", forgeField(forge.member, tier.tier), forge.why)]),
    ...(parked ? [field("parked", true, "their code server neither runs nor is enabled, while others' are")] : []),
    ...(seen.hosts.length > 1 ? [field("host", host.host)] : []),
  ];
  const { port } = t3;
  const browser = host.ports.get(name)?.browser;
  const ports = { ...(port === undefined ? {} : { t3: port }), ...(browser === undefined ? {} : { browser }) };
  return { osUser: name, host: host.host, uid: account.uid, ports, fields, open };
}

function k8sUserOf(osUser: string, authentikUser: string, map: Observed["userMap"]) {
  const localPart = (email: string | undefined) => email?.split("@")[0]?.toLowerCase();
  const found = [...map].flatMap(([user, { email }]): [string, string][] => {
    if (user === osUser) return [[user, "the user map has this name"]];
    if (user === authentikUser.toLowerCase()) return [[user, "the user map has the sign-in's name"]];
    return localPart(email) === authentikUser.toLowerCase() ? [[user, `the user map's e-mail there is ${email}`]] : [];
  });
  const [first, ...more] = found;
  if (more.length > 0) {
    const names = found.map(([user, why]) => `${user} (${why})`).join(" or ");
    return { user: osUser, why: undefined, open: `their k8s_user could be ${names}` };
  }
  if (first !== undefined) return { user: first[0], why: `guess: ${first[1]}`, open: undefined };
  const why = "guess: no entry of the user map fits them, so their account's name";
  return K8S_USER.pattern.test(osUser)
    ? { user: osUser, why, open: undefined }
    : { user: osUser, why, open: `no entry of the user map fits them, and "${osUser}" is no k8s_user` };
}

function emailOf(names: readonly string[], entry: MapEntry | undefined, { cluster, userMap }: Observed) {
  if (entry?.email !== undefined) return { email: entry.email, why: undefined, open: undefined };
  const ours = new Set([...userMap.values()].map(({ email }) => email?.toLowerCase()));
  const listed = new Set(names.map((name) => name.toLowerCase()));
  const mails = new Set(
    (cluster?.grants ?? [])
      .map(({ email }) => email)
      .filter((email) => !ours.has(email.toLowerCase()) && listed.has(email.split("@")[0]?.toLowerCase() ?? "")),
  );
  const [email, ...more] = mails;
  if (more.length > 0)
    return { email: undefined, why: undefined, open: `their e-mail could be ${[...mails].join(" or ")}` };
  return { email, why: "guess: the cluster has bindings for this address", open: undefined };
}

interface Owned {
  readonly namespace: string;
  readonly why?: string;
}

const OWNER_ROLES: ReadonlySet<string> = new Set(["admin", "edit", "cluster-admin"]);

/** Theirs by the user map, and those in which a binding makes them its admin. */
function namespacesOf(entry: MapEntry | undefined, email: string | undefined, { cluster }: Observed): readonly Owned[] {
  const bound = (cluster?.grants ?? []).filter(
    (grant) =>
      grant.namespace !== undefined &&
      OWNER_ROLES.has(grant.role) &&
      grant.email.toLowerCase() === email?.toLowerCase(),
  );
  const mapped = entry?.namespaces ?? [];
  const more = bound.filter(({ namespace = "" }) => !mapped.includes(namespace));
  return [
    ...mapped.map((namespace) => ({
      namespace,
      ...(cluster === undefined || cluster.namespaces.has(namespace) ? {} : { why: `${namespace} does not exist yet` }),
    })),
    ...more.map(({ namespace = "", binding, role }) => ({
      namespace,
      why: `guess: the binding ${binding} makes them ${role} of ${namespace}`,
    })),
  ];
}

const whyOf = (owned: readonly Owned[]): string | undefined => {
  const reasons = owned.flatMap(({ why }) => (why === undefined ? [] : [why]));
  return reasons.length === 0 ? undefined : reasons.join("; ");
};

const isTier = (role: string): role is Tier => TIER_NAMES.some((tier) => tier === role);

function tierOf({ name, groups }: Account, { admins }: HostState, entry: MapEntry | undefined, owns: boolean) {
  const here = [
    ...(admins.has(name) ? ["is on the host's list of admins"] : []),
    ...(groups.includes("sudo") ? ["is in the group sudo"] : []),
  ].join(" and ");
  if (entry !== undefined && isTier(entry.role)) {
    const odd =
      entry.role !== "admin" && here !== "" ? `the user map says so, although ${name} ${here}: look at it` : undefined;
    return { tier: entry.role, why: odd };
  }
  if (here !== "") return { tier: "admin" as const, why: `guess: ${here}` };
  return owns
    ? { tier: "namespace-owner" as const, why: "guess: bindings make them admin of namespaces" }
    : { tier: "power-user" as const, why: "guess: nothing says more" };
}

/** How their clones lie decides the layout; an admin's tree is never touched, so theirs says nothing. */
function layoutOf(tier: Tier, home: HomeState | undefined, { owner, infra }: Observed): readonly Field[] {
  if (tier === "admin" || home === undefined || home.infra !== "clone" || home.code !== "folder") return [];
  const ours = [...home.clones].filter(
    ([name, urls]) =>
      name !== infra && urls.some((url) => new RegExp(`[/:]${escaped(owner)}/${escaped(name)}(\\.git)?/?$`).test(url)),
  );
  const repos = ours.map(([name]) => name).sort();
  return [{ key: "code_layout", value: "workspace" }, ...(repos.length === 0 ? [] : [{ key: "repos", value: repos }])];
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function forgeOf(names: readonly string[], email: string | undefined, members: readonly Member[]) {
  const byMail = members.filter((one) => email !== undefined && one.email?.toLowerCase() === email.toLowerCase());
  const listed = new Set(names.map((name) => name.toLowerCase()));
  const found = byMail.length > 0 ? byMail : members.filter(({ login }) => listed.has(login.toLowerCase()));
  const [member, ...more] = found;
  if (more.length > 0) {
    return {
      open: `their login on the forge could be ${found.map(({ login }) => login).join(" or ")}`,
      member: undefined,
    };
  }
  return { member, why: byMail.length > 0 ? undefined : "guess: the login has one of their names" };
}

const forgeField = ({ login, pushes }: Member, tier: Tier) => ({
  login,
  ...(pushes && tier !== "admin" ? { push: true } : {}),
});

function portsOf(osUser: string, authentikUser: string, { dispatch, ports }: HostState) {
  const sent = dispatch.get(authentikUser)?.port;
  const listens = ports.get(osUser)?.t3;
  if (sent !== undefined && listens !== undefined && sent !== listens) {
    return {
      port: sent,
      open: `the dispatch table sends them to port ${sent}, and their environment file says ${listens}`,
    };
  }
  return { port: sent ?? listens, open: undefined };
}
