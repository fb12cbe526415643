/** Records who had which identity before a run and who has it after, which tells a rename from an identity that passes to somebody else. */

import type { LedgerEntry, OsUser, Previously } from "../model.ts";
import { folded } from "../text/code-unit-order.ts";

/** A person's names outside the host, as a ledger has them. */
export type Identities = Pick<LedgerEntry, "authentikUser" | "k8sUser" | "email" | "forgejoLogin">;
export type IdentityKind = keyof Identities;

/** As plans name them, in the order in which they do. */
export const IDENTITY_NAMES = {
  authentikUser: "login",
  k8sUser: "k8s_user",
  email: "e-mail",
  forgejoLogin: "Forgejo login",
} as const satisfies Readonly<Record<IdentityKind, string>>;

export const IDENTITY_KINDS = Object.keys(IDENTITY_NAMES) as readonly IdentityKind[];

/** Names of a group of people, with the present user names of those who have or had each. */
export type Holders = ReadonlyMap<string, readonly OsUser[]>;

export interface HoldersOfRun {
  /** Everybody whom the ledger knows, offboarded users included. */
  readonly before: Holders;
  /** Everybody who has access after the run. */
  readonly after: Holders;
}

/** For a comparison of one person alone. */
export const NO_HOLDERS: HoldersOfRun = { before: new Map(), after: new Map() };

export function holdersOf(people: Iterable<readonly [OsUser, Identities]>): Holders {
  const keysOf = (identities: Identities) =>
    IDENTITY_KINDS.flatMap((kind) => {
      const value = identities[kind];
      return value === undefined ? [] : [keyOf(kind, value)];
    });
  return holdersOfNames([...people].map(([who, identities]) => [who, keysOf(identities)] as const));
}

/** By name: everybody with that name, once each and in the given order. */
export function holdersOfNames(people: Iterable<readonly [OsUser, readonly string[]]>): Holders {
  const holders = new Map<string, OsUser[]>();
  for (const [who, names] of people) {
    for (const name of names) {
      const known = holders.get(name);
      if (known === undefined) holders.set(name, [who]);
      else if (!known.includes(who)) known.push(who);
    }
  }
  return holders;
}

/** Somebody else who has an identity. */
export const otherHolder = (holders: Holders, kind: IdentityKind, value: string, who: OsUser): OsUser | undefined =>
  holders.get(keyOf(kind, value))?.find((holder) => holder !== who);

/** One identity of one person before and after a run. */
export interface IdentityChange {
  readonly kind: IdentityKind;
  readonly who: OsUser;
  readonly was: string;
  readonly is: string;
  readonly previously: Previously;
}

/**
 * Whether the two are one account under two names. What the row states in `previously` is not enough: a value that was
 * somebody else's, or is somebody else's now, opens another person's account.
 */
export function isRename({ kind, who, was, is, previously }: IdentityChange, { before, after }: HoldersOfRun): boolean {
  if (isSame(kind, was, is)) return true;
  const former = previously[kind];
  return (
    former !== undefined &&
    isSame(kind, former, was) &&
    otherHolder(before, kind, is, who) === undefined &&
    otherHolder(after, kind, was, who) === undefined
  );
}

/** A k8s_user is part of paths in Vault, which differ by case; every other identity is the same in upper and lower case. */
export const isSame = (kind: IdentityKind, one: string, other: string): boolean =>
  kind === "k8sUser" ? one === other : folded(one) === folded(other);

const keyOf = (kind: IdentityKind, value: string): string => `${kind} ${kind === "k8sUser" ? value : folded(value)}`;
