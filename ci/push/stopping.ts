/** Why a push has to wait for an admin, whose confirmation ends that, and how it is given. Pure. */

import type { RaisedRights } from "../../roster/changes/raised.ts";
import { counted, listed } from "../../roster/text/quote.ts";
import type { Push } from "./activity.ts";

export interface Finding {
  /** The deployed commit, where the branch no longer leads from it: then nothing can be compared. */
  readonly rewritten?: string;
  /** Changed files beside the roster and the documentation: whoever changes the program has the program's rights. */
  readonly files: readonly string[];
  readonly raised: readonly RaisedRights[];
}

export interface Asked {
  readonly others: readonly Push[];
  readonly commit: string;
  readonly admins: readonly string[];
  /** The tag that confirms it. */
  readonly tag: string;
}

const SHOWN = 10;

/** The message; empty where nothing has to wait. */
export function stopping(
  { rewritten, files, raised }: Finding,
  { others, commit, admins, tag }: Asked,
): readonly string[] {
  if (rewritten === undefined && files.length === 0 && raised.length === 0) return [];
  const pushers = [...new Set(others.map(({ pusher }) => pusher ?? "somebody whom the forge does not name"))];
  return [
    `Stopped before any change: ${commit.slice(0, 12)} was pushed by ${listed(pushers)}, no admin, and needs an admin's word:`,
    ...(rewritten === undefined
      ? []
      : [`  the branch no longer leads from the deployed commit ${rewritten.slice(0, 12)}`]),
    ...capped(
      raised.map(({ who, what }) => `  ${who} would get ${listed(what)}`),
      "people",
    ),
    ...(files.length === 0 ? [] : ["  program or configuration that would run with every right of the deployment:"]),
    ...capped(
      files.map((file) => `    ${file}`),
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
