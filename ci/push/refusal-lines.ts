/** Writes the message of a deployment that waits: what needs an admin's confirmation, who may give it, and how. Pure. */

import type { RaisedRights } from "../../roster/changes/raised.ts";
import { counted, listed } from "../../roster/text/quote.ts";
import type { Push } from "./activity.ts";
import type { ProgramChange } from "./program-changes.ts";

export interface Finding {
  /** Program text that a non-admin pushed: whoever changes the program has the program's rights. */
  readonly programs: readonly ProgramChange[];
  readonly raised: readonly RaisedRights[];
}

export interface Confirmation {
  readonly others: readonly Push[];
  readonly commit: string;
  readonly admins: readonly string[];
  /** The tag that confirms it. */
  readonly tag: string;
}

const SHOWN = 10;

/** @returns the message's lines; empty where nothing has to wait */
export function refusalLines(
  { programs, raised }: Finding,
  { others, commit, admins, tag }: Confirmation,
): readonly string[] {
  if (programs.length === 0 && raised.length === 0) return [];
  const pushers = [...new Set(others.map(({ pusher }) => pusher ?? "an account that the forge does not name"))];
  return [
    `Stopped before any change: ${commit.slice(0, 12)} was pushed by ${listed(pushers)}, not by an admin, and needs an admin's confirmation:`,
    ...capped(
      raised.map(({ who, what }) => `  ${who} would get ${listed(what)}`),
      "people",
    ),
    ...(programs.length === 0 ? [] : ["  program or configuration that would run with every right of the deployment:"]),
    ...capped(
      programs.flatMap((change) => change.files.map((file) => `    ${file} (in ${change.commit.slice(0, 12)})`)),
      "files",
    ),
    admins.length === 0
      ? "No admin of the deployed roster has a Forgejo login: deploy by hand, and give one of them a login."
      : `To confirm exactly this commit, one of ${listed(admins)} pushes a tag: ` +
        `git tag ${tag} ${commit} && git push origin refs/tags/${tag}`,
  ];
}

const capped = (lines: readonly string[], what: string): readonly string[] =>
  lines.length <= SHOWN
    ? lines
    : [...lines.slice(0, SHOWN), `    and ${counted(lines.length - SHOWN, "more", `more ${what}`)}`];
