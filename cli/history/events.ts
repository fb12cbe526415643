/**
 * Replays the versions of the roster in order with the program's own derivation, and lists what each changed for whom.
 */

import type { PersonChange } from "../../roster/changes/compare-ledgers.ts";
import { derive } from "../../roster/derive/derive.ts";
import { pushesDirectly } from "../../roster/forge-access.ts";
import { EMPTY_LEDGER } from "../../roster/ledger.ts";
import { loadRoster } from "../../roster/load.ts";
import type { Day, Desired, Ledger, Policy } from "../../roster/model.ts";
import { listed } from "../../roster/text/quote.ts";
import type { Commit } from "./git.ts";

export interface Version {
  readonly commit: Commit;
  /** Undefined where the file was not there. */
  readonly source: Uint8Array | undefined;
}

/** One change for one person, decided by one commit. */
export interface Event {
  readonly commit: Commit;
  /** Their name at the time. */
  readonly who: string;
  /** Half a sentence after the name. */
  readonly what: string;
}

export interface Replay {
  /** For everybody, the oldest first. */
  readonly events: readonly Event[];
  /** Commits whose roster did not hold: nothing could be deployed from them. */
  readonly broken: readonly Commit[];
  /** What was given to whom in the end; the names that somebody had before are in it. */
  readonly ledger: Ledger;
}

/** A version that does not hold by today's rules, its hosts included, is passed over: a deployment would refuse it. */
export function replay(versions: readonly Version[], file: string, policy: Policy): Replay {
  const events: Event[] = [];
  const broken: Commit[] = [];
  let ledger = EMPTY_LEDGER;
  for (const { commit, source } of versions) {
    const decided = decidedIn(source ?? new Uint8Array(), file, policy, ledger, commit.at.slice(0, 10) as Day);
    if (decided === undefined) {
      broken.push(commit);
      continue;
    }
    ledger = decided.desired.ledger;
    for (const change of decided.changes)
      events.push({ commit, who: change.who, what: sentenceOf(change, decided.desired) });
  }
  return { events, broken, ledger };
}

function decidedIn(source: Uint8Array, file: string, policy: Policy, ledger: Ledger, today: Day) {
  const loaded = loadRoster(source, file, policy);
  if (!loaded.ok) return undefined;
  const derived = derive({ roster: loaded.roster, policy, today, userMap: undefined, ledger });
  return derived.ok ? derived : undefined;
}

/** @example "gets direct push to the protected branch; is parked" */
function sentenceOf({ who, kind, lost, gained, other }: PersonChange, { people }: Desired): string {
  const person = people.get(who);
  if (kind === "leaves") return "is offboarded: all access is revoked, account, home and namespaces are kept";
  if (kind === "joins" || kind === "returns") {
    const spaces = person === undefined || person.namespaces.length === 0 ? [] : [`with ${listed(person.namespaces)}`];
    const pushes = person?.forgejo !== undefined && pushesDirectly(person.tier, person.forgejo.push);
    const push = pushes ? ["push to the protected branch allowed"] : [];
    return [`${kind} as ${person?.tier ?? "somebody"} on ${person?.host ?? "no host"}`, ...spaces, ...push].join(", ");
  }
  const parts = [
    ...(lost.length > 0 ? [`loses ${listed(lost)}`] : []),
    ...(gained.length > 0 ? [`gets ${listed(gained)}`] : []),
    ...other,
  ];
  return parts.join("; ");
}

/** Every name that the person had, today's first; undefined for somebody who was never on the roster. */
export function namesOf(name: string, { people }: Ledger): readonly string[] | undefined {
  for (const [now, { formerNames }] of people) {
    if (now === name || formerNames.some((former) => former === name)) return [now, ...formerNames];
  }
  return undefined;
}
