/**
 * Computes the state of a host after access expiry: a user whose last day (`until`) has passed counts as offboarded,
 * although nothing was delivered since. Pure.
 */

import type { AccountPart, MapsPart } from "../../contract.ts";
import type { PersonPart } from "../state/stored-parts.ts";

export interface ExpiryInput {
  readonly maps: MapsPart | undefined;
  readonly parts: readonly PersonPart[];
  /** Whether an earlier run has offboarded the user. */
  readonly isOffboarded: (osUser: string) => boolean;
  /** Whether this run can offboard the user: their account is there and is managed. */
  readonly canOffboard: (part: AccountPart) => boolean;
  /** How many users this run may newly offboard. */
  readonly removalLimit: number;
  /** Why the state as a whole is not fit for a removal, if it is not. */
  readonly unfit: string | undefined;
  /** When a delivery last ended, ms since 1970; undefined where none has. */
  readonly deliveredAtMs: number | undefined;
  readonly nowMs: number;
}

export interface ExpiryResult {
  readonly maps: MapsPart | undefined;
  readonly parts: readonly PersonPart[];
  /** Users whose access has expired and who are not offboarded now, each with the reason. */
  readonly held: readonly { readonly who: string; readonly why: string }[];
}

/** The delivered state as of now, within the host's removal limits: their number, the last user, the last admin, `addsOnly`. */
export function expireAccess(facts: ExpiryInput): ExpiryResult {
  const { maps, parts, isOffboarded } = facts;
  // A clock that went back behind the last delivery is wrong, and gives nobody back what their last day took.
  const latestMs = Math.max(facts.nowMs, facts.deliveredAtMs ?? 0);
  const accounts = parts.filter((part) => part.kind === "account");
  const expired = accounts.filter((part) => isOver(part, latestMs));
  if (expired.length === 0) return { maps, parts, held: [] };
  // What cannot be offboarded comes last: it would take the place of another user in every run.
  const over = [...expired.filter(facts.canOffboard), ...expired.filter((part) => !facts.canOffboard(part))].map(
    ({ osUser }) => osUser,
  );
  const waiting = accounts.filter(
    (part) => part.state === "left" && !isOffboarded(part.osUser) && facts.canOffboard(part),
  );
  const gone = new Set(over.filter(isOffboarded));
  const held: { who: string; why: string }[] = [];
  let remaining = facts.removalLimit - waiting.length;
  for (const osUser of over.filter((name) => !isOffboarded(name))) {
    const why = remaining > 0 ? reasonToWait(facts, maps, new Set([...gone, osUser])) : LIMIT;
    if (why === undefined) {
      gone.add(osUser);
      remaining -= 1;
    } else held.push({ who: osUser, why: `their last day of access has passed, but they are not offboarded: ${why}` });
  }
  const asLeft = (part: PersonPart): PersonPart => (gone.has(part.osUser) ? { ...part, state: "left" } : part);
  return { maps: maps && without(maps, gone), parts: parts.map(asLeft), held };
}

const LIMIT = "this hourly run has reached its limit; a deployment or the next run continues";

function reasonToWait(
  { unfit }: ExpiryInput,
  maps: MapsPart | undefined,
  gone: ReadonlySet<string>,
): string | undefined {
  if (unfit !== undefined) return unfit;
  if (maps === undefined) return "this host has no intact maps part to count removals by; deliver the maps part first";
  if (maps.addsOnly) return "addsOnly suspends every removal";
  const stay = (names: readonly string[]) => names.some((name) => !gone.has(name));
  if (!stay(maps.present)) return "the last user would lose access on this host; deploy to confirm it";
  if (maps.admins.length > 0 && !stay(maps.admins))
    return "the last admin would lose access on this host; deploy to confirm it";
  return undefined;
}

/** Days compare as text, and the last day itself is a day of access. */
const isOver = (part: AccountPart, nowMs: number): boolean =>
  part.state === "present" && part.until !== undefined && part.until < new Date(nowMs).toISOString().slice(0, 10);

function without(maps: MapsPart, gone: ReadonlySet<string>): MapsPart {
  const stay = (name: string) => !gone.has(name);
  return {
    ...maps,
    files: maps.files.map(({ path, text }) => ({
      path,
      text: path.endsWith(".json") ? tableWithout(text, gone) : linesWithout(text, gone),
    })),
    present: maps.present.filter(stay),
    left: [...maps.left, ...gone],
    admins: maps.admins.filter(stay),
  };
}

/** `login=os_user`, or the bare name. */
const linesWithout = (text: string, gone: ReadonlySet<string>): string =>
  text
    .split("\n")
    .filter((line) => !gone.has(line.slice(line.indexOf("=") + 1)))
    .join("\n");

function tableWithout(text: string, gone: ReadonlySet<string>): string {
  const rows = Object.entries(JSON.parse(text) as Record<string, { readonly os_user?: unknown }>);
  const stay = rows.filter(([, row]) => !(typeof row.os_user === "string" && gone.has(row.os_user)));
  return stay.length === rows.length ? text : `${JSON.stringify(Object.fromEntries(stay), undefined, 2)}\n`;
}
