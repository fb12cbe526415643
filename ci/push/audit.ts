/** The step `audit`: announces every push of somebody who is no admin, before it is deployed and without ever blocking it. */

import { counted } from "../../roster/text/quote.ts";
import { announce } from "../chat.ts";
import { find, given } from "../environment.ts";
import { say } from "../say.ts";
import { asksToSkip, isAdmin, isCatchUp, readSituation, type Situation } from "./situation.ts";

/** Always ends well: what cannot be found out is announced as that. */
export async function audit(): Promise<number> {
  try {
    const situation = await readSituation();
    const lines = await announcement(situation);
    if (lines.length === 0) say(situation.done ? "Nothing new is to be deployed." : "Every push was an admin's.");
    else await announce(lines);
  } catch (cause) {
    await announce([
      `${place()}: a push is being deployed, and who pushed it could not be found out: ${(cause as Error).message}`,
      ...link(),
    ]);
  }
  return 0;
}

/** Nothing where every push was an admin's. */
export async function announcement(situation: Situation): Promise<readonly string[]> {
  const { git, deployed, commit, activity } = situation;
  const others = activity.pushes.filter(({ pusher }) => !isAdmin(situation, pusher));
  if (others.length === 0) return [];
  const skipped = isCatchUp() && asksToSkip(await git.message(commit));
  const pushes = await Promise.all(others.slice(0, SHOWN).map((push) => pushLines(git, push)));
  const files = await git.changedFiles(deployed, commit).catch(() => undefined);
  return [
    `${place()}: ${counted(others.length, "push", "pushes")} by somebody who is no admin, about to be deployed:`,
    ...pushes.flat(),
    ...(others.length > SHOWN ? [`  and ${counted(others.length - SHOWN, "more push", "more pushes")}`] : []),
    ...(skipped
      ? ["  The commit asks to skip the pipeline. Only an admin's does: it is announced and deployed all the same."]
      : []),
    ...(files === undefined
      ? []
      : [
          `  changed: ${files.slice(0, SHOWN).join(", ")}${files.length > SHOWN ? ` and ${files.length - SHOWN} more files` : ""}`,
        ]),
    ...link(),
  ];
}

const SHOWN = 5;

/** The author's name is shown beside the pusher, and believed nowhere. */
async function pushLines(git: Situation["git"], { pusher, from, to }: Situation["activity"]["pushes"][number]) {
  const commits = await git.between(from, to).catch(() => [to]);
  const shown = await Promise.all(commits.slice(0, SHOWN).map((commit) => git.subject(commit).catch(() => "")));
  return [
    `  ${pusher ?? "somebody whom the forge does not name"} pushed ${counted(commits.length, "commit", "commits")} (${to.slice(0, 12)}):`,
    ...shown.map((subject) => `    ${subject}`),
    ...(commits.length > SHOWN ? [`    and ${commits.length - SHOWN} more`] : []),
  ];
}

const place = () => `${given("CI_REPO_OWNER")}/${given("CI_REPO_NAME")}`;

const link = (): readonly string[] => {
  const url = find("CI_PIPELINE_URL");
  return url === undefined ? [] : [`  ${url}`];
};
