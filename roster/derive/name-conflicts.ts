/**
 * Finds names of the roster that somebody else had: a warning where nothing is at stake, an error where a secret is.
 */

import { holdersOfNames } from "../changes/identity-holders.ts";
import type { Email, K8sUser, LedgerEntry, Namespace, OsUser, Problem, Roster } from "../model.ts";
import { problemInRoster } from "../load.ts";
import { dashboardAccount } from "../object-names.ts";
import { inRow, warningInRow } from "../rules/finding.ts";
import { folded, sorted } from "../text/code-unit-order.ts";
import { heldStates, type Undelivered } from "../undelivered-changes.ts";
import { formerEmailsOf, formerK8sUsersOf } from "./derive-person.ts";
import type { RenamedLedger } from "./renames.ts";
import type { CurrentRow } from "./expire-rows.ts";

/** Compares every row with those who left, and with the former names of everybody else. */
export function conflictsWithOthers(
  roster: Roster,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): readonly Problem[] {
  const gone = [...past.people].filter(([user]) => !rows.has(user));
  const returning = gone.filter(([, entry]) => entry.removedOn === undefined);
  const byLogin = byFolded(returning, (entry) => entry.authentikUser);
  const loginOfGone = new Map(gone.map(([user, { authentikUser }]) => [user, folded(authentikUser)]));
  const byK8sUser = holdersOfNames([
    ...gone.map(([user, entry]) => [user, k8sUsersOf(entry)] as const),
    ...[...rows].map(([user, row]) => [user, formerK8sUsersOf(row, past.people.get(user))] as const),
  ]);
  const byAddress = holdersOfNames(gone.map(([user, { email }]) => [user, addressOf(email)] as const));
  const byDashboard = new Map([...byK8sUser].map(([name, users]) => [dashboardAccount(name as K8sUser), users]));
  const isRemoved = (user: OsUser) => past.people.get(user)?.removedOn !== undefined && !rows.has(user);
  const byNamespace = formerNamespaces(past, rows);
  return [...roster.rows.values()].flatMap((row) => {
    const own = rows.get(row.osUser);
    if (own === undefined) return [];
    const entry = past.people.get(row.osUser);
    const problems: Problem[] = [];
    const sameLogin = byLogin.get(folded(row.authentikUser));
    const sameK8sUser = otherThan(row.osUser, byK8sUser.get(row.k8sUser));
    const canBe = (user: OsUser) => entry === undefined && !rows.has(user);
    if (sameLogin !== undefined) {
      const way = canBe(sameLogin)
        ? `; if ${row.osUser} is ${sameLogin} under a new name, write previously: {os_user: ${sameLogin}} and nothing is lost`
        : "";
      const message = `"${row.authentikUser}" was the login of ${sameLogin}, an offboarded user whose ports and account are kept for a return${way}`;
      problems.push(problemInRoster(roster, warningInRow(row.osUser, ["authentik_user"], message)));
    }
    // An earlier version let two of one login have one k8s_user: those who have it are left with it.
    const isFromBefore = (user: OsUser) =>
      loginOfGone.get(user) === folded(row.authentikUser) &&
      entry?.leftOn === undefined &&
      entry?.k8sUser === row.k8sUser;
    if (sameK8sUser !== undefined && !isFromBefore(sameK8sUser)) {
      const way = canBe(sameK8sUser)
        ? `, or write previously: {os_user: ${sameK8sUser}} if the two are one person`
        : "";
      const message = `"${row.k8sUser}" was ${sameK8sUser}'s, whose secrets in Vault are kept below that name; choose another${way}`;
      problems.push(problemInRoster(roster, inRow(row.osUser, ["k8s_user"], message)));
    }
    for (const name of entry?.k8sUser === row.k8sUser ? [] : [row.k8sUser, dashboardAccount(row.k8sUser)]) {
      const keeper = otherThan(row.osUser, byNamespace.get(name));
      if (keeper === undefined) continue;
      const kept = isRemoved(keeper)
        ? "which their removal for good may have kept"
        : "which is kept with everything in it";
      const message = `"${row.k8sUser}" claims the name of ${keeper}'s namespace ${name}, ${kept}; objects and Vault paths would meet there, so choose another`;
      problems.push(problemInRoster(roster, inRow(row.osUser, ["k8s_user"], message)));
    }
    const [sameAddress] = addressOf(own.email).flatMap((address) => byAddress.get(address) ?? []);
    if (sameAddress !== undefined) {
      const message = `"${own.email}" was the e-mail of ${sameAddress}, an offboarded user; it signs ${row.osUser} in from now on, and ${sameAddress} needs another one to return`;
      const field = row.email === undefined ? "k8s_user" : "email";
      problems.push(problemInRoster(roster, warningInRow(row.osUser, [field], message)));
    }
    for (const [index, namespace] of row.namespaces.entries()) {
      const holder = otherThan(row.osUser, byK8sUser.get(namespace) ?? byDashboard.get(namespace));
      const isTheirs = [...(entry?.namespaces ?? []), ...(entry?.formerNamespaces ?? [])].includes(namespace);
      // Whose it is after a removal for good, the cluster alone knows.
      const former = otherThan(
        row.osUser,
        byNamespace.get(namespace)?.filter((user) => !isRemoved(user)),
      );
      if (holder !== undefined && !isTheirs) {
        const message = `"${namespace}" is a name that a former k8s_user of ${holder} claims; objects and Vault paths would meet there, so choose another`;
        problems.push(problemInRoster(roster, inRow(row.osUser, ["namespaces", index], message)));
      } else if (former !== undefined) {
        const message = `"${namespace}" belonged to ${former}${rows.has(former) ? "" : ", an offboarded user"}; ${row.osUser} takes it over with everything in it`;
        problems.push(problemInRoster(roster, warningInRow(row.osUser, ["namespaces", index], message)));
      }
    }
    return problems;
  });
}

/**
 * A former `k8s_user` that the ledger knows as somebody else's: the identity in Vault that goes by it is theirs, and a rename
 * would take it over.
 */
export function formerNamesOfOthers(
  roster: Roster,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): readonly Problem[] {
  const holders = holdersOfNames([...past.people].map(([user, entry]) => [user, k8sUsersOf(entry)] as const));
  return [...rows.values()].flatMap(({ osUser, previously: { k8sUser: former } }) => {
    const holder = former === undefined ? undefined : otherThan(osUser, holders.get(former));
    if (holder === undefined) return [];
    const isOneRow = past.people.has(osUser) || roster.rows.has(holder);
    const rename = isOneRow ? "" : `, or write previously: {os_user: ${holder}} as well if the two are one person`;
    const message = `"${former}" was ${holder}'s, whose identity in Vault goes by it; correct this line or remove it${rename}`;
    return [problemInRoster(roster, inRow(osUser, ["previously", "k8s_user"], message))];
  });
}

/**
 * Everybody on the roster whose address was ever somebody else's. How long ago counts for nothing: a surface that an earlier
 * run did not reach, or somebody who signed in, still holds it as the former holder's.
 */
export function reassignedAddresses(
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
  undelivered: Undelivered,
): ReadonlySet<OsUser> {
  const holders = holdersOfNames(
    [...past.people].map(([user, entry]) => {
      const row = rows.get(user);
      const had = [entry, ...heldEntries(past, undelivered, user)].flatMap(({ email, formerEmails = [] }) =>
        [email, ...formerEmails].flatMap(addressOf),
      );
      return [user, [...had, ...(row === undefined ? [] : formerEmailsOf(row, entry).map(folded))]] as const;
    }),
  );
  const given = [...rows].filter(([user, { email }]) =>
    addressOf(email).some((address) => otherThan(user, holders.get(address)) !== undefined),
  );
  return new Set(given.map(([user]) => user));
}

/**
 * By former owner: namespaces that somebody else has today, and that were theirs by the ledger or on a surface that an earlier
 * run did not reach, the first of their row last. A removal for good leaves nothing of anybody's.
 */
export function handedOverNamespaces(
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
  removed: ReadonlySet<OsUser>,
  undelivered: Undelivered,
): ReadonlyMap<OsUser, readonly Namespace[]> {
  const owners = holdersOfNames([...rows].map(([user, { namespaces }]) => [user, namespaces] as const));
  const given = [...past.people].flatMap(([user, entry]) => {
    if ((entry.removedOn !== undefined && !rows.has(user)) || removed.has(user)) return [];
    const states = [entry, ...heldEntries(past, undelivered, user)];
    const had = states.flatMap(({ namespaces, formerNamespaces }) => [...namespaces, ...formerNamespaces]);
    const first = new Set(states.flatMap(({ namespaces }) => namespaces.slice(0, 1)));
    const lost = sorted(had.filter((namespace) => otherThan(user, owners.get(namespace)) !== undefined));
    const ordered = [...lost.filter((name) => !first.has(name)), ...lost.filter((name) => first.has(name))];
    return lost.length === 0 ? [] : [[user, ordered] as const];
  });
  return new Map(given);
}

/** What surfaces may still hold of somebody beside the ledger's entry. */
const heldEntries = ({ renamed }: RenamedLedger, undelivered: Undelivered, user: OsUser): readonly LedgerEntry[] =>
  heldStates(undelivered, renamed.get(user) ?? user).flatMap(({ entry }) => (entry === undefined ? [] : [entry]));

/** By namespace, whoever had it: the cluster keeps it with everything in it, and a removal for good deletes only those it names. */
function formerNamespaces({ people }: RenamedLedger, rows: ReadonlyMap<OsUser, CurrentRow>) {
  const had = [...people].map(([user, entry]) => {
    const own: readonly string[] = rows.get(user)?.namespaces ?? [];
    return [user, [...entry.namespaces, ...entry.formerNamespaces].filter((name) => !own.includes(name))] as const;
  });
  return holdersOfNames(had);
}

/** As Vault and the cluster compare it; none where it is not known. */
const addressOf = (email: Email | undefined): readonly string[] => (email === undefined ? [] : [folded(email)]);

/** Vault keeps somebody's secrets below all of these, so whoever were given one could read them. */
const k8sUsersOf = ({ k8sUser, formerK8sUsers = [] }: LedgerEntry): readonly K8sUser[] => [k8sUser, ...formerK8sUsers];

const otherThan = (user: OsUser, holders: readonly OsUser[] | undefined): OsUser | undefined =>
  holders?.find((holder) => holder !== user);

const byFolded = (
  people: readonly (readonly [OsUser, LedgerEntry])[],
  name: (entry: LedgerEntry) => string,
): ReadonlyMap<string, OsUser> => new Map(people.map(([user, entry]) => [folded(name(entry)), user]));

/** While removals are suspended, somebody held back may still have what another's row already asks for. */
export function doubledIdentities(
  roster: Roster,
  past: RenamedLedger,
  rows: ReadonlyMap<OsUser, CurrentRow>,
): readonly Problem[] {
  const held = new Map<string, { readonly holder: OsUser; readonly what: string }>();
  const hold = (holder: OsUser, { what, keys }: Claim) => {
    for (const key of keys) if (!held.has(key)) held.set(key, { holder, what });
  };
  const asked: (readonly [OsUser, Claim])[] = [];
  // Who has a name today comes first, so that the row which asks for it is named, and never one that changes nothing.
  for (const [osUser, row] of rows) {
    const entry = past.people.get(osUser);
    const had = entry === undefined || entry.leftOn !== undefined ? [] : claimsOf(entry).map(({ what }) => what);
    for (const claim of claimsOf({ ...row, forgejoLogin: row.forgejo?.login })) {
      if (had.includes(claim.what)) hold(osUser, claim);
      else asked.push([osUser, claim]);
    }
  }
  return asked.flatMap(([osUser, claim]) => {
    const { field, what, meets } = claim;
    const other = meets.map((key) => held.get(key)).find((found) => found !== undefined && found.holder !== osUser);
    hold(osUser, claim);
    if (other === undefined) return [];
    const which = other.what === what ? what : `${what} claims a name of ${other.what}, which`;
    const message = `${which} stays ${other.holder}'s while addsOnly suspends removals; deploy this change after switching addsOnly off`;
    return [problemInRoster(roster, inRow(osUser, [field], message))];
  });
}

/** A name that only one person can have: what it is held by, and which names of others it must not meet. */
interface Claim {
  readonly field: string;
  readonly what: string;
  readonly keys: readonly string[];
  readonly meets: readonly string[];
}

interface ClaimedNames extends Pick<LedgerEntry, "authentikUser" | "k8sUser" | "email" | "namespaces"> {
  readonly forgejoLogin?: LedgerEntry["forgejoLogin"] | undefined;
}

/** Objects and Vault paths of a k8s_user would meet those of a namespace that has its name. */
function claimsOf({ authentikUser, k8sUser, email, forgejoLogin, namespaces }: ClaimedNames): readonly Claim[] {
  const claim = (field: string, what: string, ofObjects: readonly string[] = [], others: readonly string[] = []) => ({
    ...{ field, what },
    keys: [what, ...ofObjects],
    meets: [what, ...others],
  });
  const names = [k8sUser, dashboardAccount(k8sUser)];
  const ofK8sUser = (name: string) => `an object of the k8s_user ${name}`;
  const ofNamespace = (name: string) => `the namespace "${name}"`;
  return [
    claim("authentik_user", `the login "${folded(authentikUser)}"`),
    claim("k8s_user", `the k8s_user "${k8sUser}"`, names.map(ofK8sUser), names.map(ofNamespace)),
    ...(email === undefined ? [] : [claim("email", `the e-mail "${folded(email)}"`)]),
    ...(forgejoLogin === undefined ? [] : [claim("forgejo", `the Forgejo login "${folded(forgejoLogin)}"`)]),
    ...namespaces.map((name) => claim("namespaces", ofNamespace(name), [], [ofK8sUser(name)])),
  ];
}
