/** Who gets what on the forge (spec, section 9; INV-17), as plain data; and what is there besides. */

import type { Desired, ForgejoLogin, OsUser } from "../../roster/model.ts";

export interface ForgeAccess {
  /** May push to and merge into the protected branch: the admins, and whose row says `push: true`. */
  readonly writers: readonly ForgejoLogin[];
  /** Everybody else works through branches of the repository. */
  readonly collaborators: ReadonlyMap<OsUser, ForgejoLogin>;
  /** Who left: kept out. */
  readonly out: ReadonlyMap<OsUser, ForgejoLogin>;
  /** Whom a clone token is issued to. */
  readonly tokens: ReadonlyMap<OsUser, ForgejoLogin>;
}

/** A login that was given to somebody who is in again, under whatever name, is not kept out. */
export function forgeAccess({ people, left }: Pick<Desired, "people" | "left">): ForgeAccess {
  const present = [...people.values()].flatMap((person) =>
    person.forgejo === undefined ? [] : [{ ...person.forgejo, who: person.osUser, isAdmin: person.tier === "admin" }],
  );
  const inUse = new Set(present.map(({ login }) => login.toLowerCase()));
  const gone = [...left.values()].flatMap(({ osUser, forgejoLogin }) =>
    forgejoLogin === undefined || inUse.has(forgejoLogin.toLowerCase()) ? [] : [[osUser, forgejoLogin] as const],
  );
  return {
    writers: present
      .filter(({ isAdmin, push }) => isAdmin || push)
      .map(({ login }) => login)
      .sort(),
    collaborators: new Map(present.filter(({ isAdmin }) => !isAdmin).map(({ who, login }) => [who, login])),
    out: new Map(gone),
    tokens: new Map(present.map(({ who, login }) => [who, login])),
  };
}

/** What the forge says about the repository; see `providers/forgejo/audit.ts`. */
export interface RepositoryAudit {
  readonly server: string;
  readonly version: string;
  readonly collaborators: readonly { readonly login: string; readonly permission: string }[];
  readonly rules: readonly string[];
  readonly effectiveRule: string;
  readonly writableDeployKeys: readonly string[];
}

/** Sentences about who else can get at the repository. This program put none of it there, so it leaves it alone. */
export function strangersIn(audit: RepositoryAudit, access: ForgeAccess, branch: string): readonly string[] {
  const ours = [...access.writers, ...access.collaborators.values(), ...access.out.values()];
  const known = new Set(ours.map((login) => login.toLowerCase()));
  const strangers = audit.collaborators.filter(({ login }) => !known.has(login.toLowerCase()));
  const otherRules = audit.rules.filter((rule) => rule !== branch && /[*?[{]/.test(rule));
  return [
    ...strangers.map(
      ({ login, permission }) => `${login} is a collaborator (${permission}) whom this program never put there`,
    ),
    ...audit.writableDeployKeys.map((title) => `the deploy key "${title}" can write`),
    ...otherRules.map((rule) => `the branch rule "${rule}" may hold for ${branch} too`),
  ];
}
