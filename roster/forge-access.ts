/** Decides who may do what on the forge, as sets of logins. Logins are compared without regard to case. */

import type { Desired, ForgejoLogin, LedgerEntry, Tier } from "./model.ts";
import { folded, sorted } from "./text/code-unit-order.ts";
import { TIERS } from "./tiers.ts";

export interface ForgejoAccess {
  /** The admins who have a login: they alone confirm a stopped push. */
  readonly admins: readonly ForgejoLogin[];
  /** Push and merge on the protected branch: the admins and every row with `push: true`. */
  readonly whitelist: readonly ForgejoLogin[];
  /** `write` collaborators: every non-admin with a login. An admin is one where they have no write access of their own. */
  readonly collaborators: readonly ForgejoLogin[];
  /** Logins that the program ever put there and that nobody on the roster has now: theirs are taken away. */
  readonly former: readonly ForgejoLogin[];
  /** By former login: the login that its person has today. The two may be one account, renamed by its owner. */
  readonly successors: ReadonlyMap<ForgejoLogin, ForgejoLogin>;
}

/** Whether somebody with a login pushes to the protected branch. */
export const pushesDirectly = (tier: Tier, push: boolean): boolean => push || TIERS[tier].administers;

/** The same of somebody as the ledger has them. */
export const entryPushes = ({ forgejoLogin, push, tier }: LedgerEntry): boolean =>
  forgejoLogin !== undefined && pushesDirectly(tier, push);

/** The lists of the infra repository, sorted. People without a Forgejo login are in none of them. */
export function forgejoAccess({ people, left }: Desired): ForgejoAccess {
  const withLogin = [...people.values()].flatMap(({ tier, forgejo }) =>
    forgejo === undefined
      ? []
      : [{ ...forgejo, administers: TIERS[tier].administers, pushes: pushesDirectly(tier, forgejo.push) }],
  );
  const present = new Set(withLogin.map(({ login }) => folded(login)));
  const formerly = formerLogins(people, left).filter(({ login }) => !present.has(folded(login)));
  return {
    admins: sorted(withLogin.filter(({ administers }) => administers).map(({ login }) => login)),
    whitelist: sorted(withLogin.filter(({ pushes }) => pushes).map(({ login }) => login)),
    collaborators: sorted(withLogin.filter(({ administers }) => !administers).map(({ login }) => login)),
    former: sorted(formerly.map(({ login }) => login)),
    successors: new Map(
      formerly.flatMap(({ login, successor }) => (successor === undefined ? [] : [[login, successor] as const])),
    ),
  };
}

/** Each login once; one that was several people's belongs to whoever is still on the roster. */
function formerLogins(people: Desired["people"], left: Desired["left"]) {
  const all = [
    ...[...left.values()].flatMap(({ forgejoLogin, formerForgejoLogins }) =>
      [...formerForgejoLogins, ...(forgejoLogin === undefined ? [] : [forgejoLogin])].map((login) => ({
        login,
        successor: undefined,
      })),
    ),
    ...[...people.values()].flatMap(({ forgejo, formerForgejoLogins }) =>
      formerForgejoLogins.map((login) => ({ login, successor: forgejo?.login })),
    ),
  ];
  return [...new Map(all.map((one) => [folded(one.login), one])).values()];
}

export interface LoginPlan {
  readonly add: readonly string[];
  /** Only logins that the program put there. */
  readonly remove: readonly string[];
  /** Neither wanted nor ever ours: left alone, and reported. */
  readonly strangers: readonly string[];
}

/** What is to be, what is there (complete, or this must not be asked), and what the program ever put there. */
export function planLogins(want: readonly string[], have: readonly string[], mine: readonly string[]): LoginPlan {
  const wanted = new Set(want.map(folded));
  const there = new Set(have.map(folded));
  const ours = new Set(mine.map(folded));
  return {
    add: sorted(want.filter((login) => !there.has(folded(login)))),
    remove: sorted(have.filter((login) => !wanted.has(folded(login)) && ours.has(folded(login)))),
    strangers: sorted(have.filter((login) => !wanted.has(folded(login)) && !ours.has(folded(login)))),
  };
}
