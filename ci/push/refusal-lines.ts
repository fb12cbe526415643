/** Writes the message of a deployment that waits: what needs an admin's confirmation, who may give it, and how. Pure. */

import type { RaisedRights } from "../../roster/changes/increased-rights.ts";
import { counted, listed } from "../../roster/text/quote.ts";
import { type Push, pusherName } from "./forge-activity.ts";
import type { ProgramChange } from "./program-changes.ts";

export interface Finding {
  /** Program text that a non-admin pushed: whoever changes the program has the program's rights. */
  readonly programs: readonly ProgramChange[];
  readonly raised: readonly RaisedRights[];
  /** Whether an admin and a non-admin have both changed the roster since the last deployment. */
  readonly isContested: boolean;
  /** Whether the record does not identify who pushed some of it. */
  readonly isUnknown: boolean;
  /** Renamed accounts that the record shows; on their own they make nothing wait. */
  readonly notices: readonly string[];
}

export interface Confirmation {
  readonly others: readonly Push[];
  readonly commit: string;
  readonly admins: readonly string[];
  /** The tag that confirms it. */
  readonly tag: string;
}

/** So few that the message is never cut before its last line, which says how to confirm. */
const SHOWN = 8;
const SHOWN_NOTICES = 3;

/** @returns the message's lines; empty where nothing has to wait */
export function refusalLines(
  { programs, raised, isContested, isUnknown, notices }: Finding,
  { others, commit, admins, tag }: Confirmation,
): readonly string[] {
  if (programs.length === 0 && raised.length === 0 && !isContested && !isUnknown) return [];
  const pushers = [...new Set(others.map(pusherName))];
  return [
    `Stopped before any change: ${commit.slice(0, 12)} was pushed by ${listed(pushers)}, not by an admin, and needs an admin's confirmation:`,
    ...capped(
      raised.flatMap(({ who, what }) => what.map((right) => `  ${who} would get ${right}`)),
      "rights",
    ),
    ...(isUnknown ? ["  the forge's record does not identify who pushed some of it"] : []),
    ...capped(
      notices.map((notice) => `  ${notice}`),
      "accounts",
      SHOWN_NOTICES,
    ),
    ...(isContested
      ? ["  an admin and a non-admin have both changed the roster since the last deployment: one may undo the other"]
      : []),
    ...(programs.length === 0 ? [] : ["  program or configuration that would run with every right of the deployment:"]),
    ...capped(
      programs.flatMap((change) =>
        change.files.map((file) => `    ${JSON.stringify(file)} (in ${change.commit.slice(0, 12)})`),
      ),
      "files",
    ),
    ...remedy({ admins, commit, tag }),
  ];
}

/** Each command is a line by itself: a message's lines are cut at a length that no list of people may use up. */
const remedy = ({ admins, commit, tag }: Omit<Confirmation, "others">): readonly string[] =>
  admins.length === 0
    ? [
        "No admin of the deployed roster can be identified: none has a Forgejo login, or the stack's state has no rule of the " +
          "tags confirm/*. Give one of them a login, and deploy by hand, which writes the rule.",
      ]
    : [
        `To confirm exactly this commit, one of ${listed(admins)} pushes an annotated tag:`,
        `  git tag --force --annotate --message=confirmed ${tag} ${commit}`,
        `  git push --force origin refs/tags/${tag}`,
        "A lightweight tag does not count, nor does one that the forge itself makes, as for a release.",
      ];

const capped = (lines: readonly string[], what: string, shown = SHOWN): readonly string[] =>
  lines.length <= shown
    ? lines
    : [...lines.slice(0, shown), `    and ${counted(lines.length - shown, "more", `more ${what}`)}`];
