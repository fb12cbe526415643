/**
 * The step `guard`: what raises anybody's rights and was pushed by somebody who is no admin stops until an admin confirms it.
 * It runs the deployed commit's program, never the pushed one's: what was pushed does not judge itself.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../../clients/parse-json.ts";
import { PROJECT } from "../../cli/pulumi.ts";
import { announce } from "../chat.ts";
import { StepError } from "../environment.ts";
import { run } from "../run.ts";
import { say } from "../say.ts";
import { dataFile, openStackFile, ROSTER, useFile } from "../stack-file.ts";
import { CONFIRM, isAdmin, readSituation, type Situation } from "./situation.ts";
import { type Finding, stopping } from "./stopping.ts";

/** @returns 1 where the deployment has to wait for an admin */
export async function guard(): Promise<number> {
  const situation = await readSituation();
  const { done, activity, commit, admins } = situation;
  if (done) return said("Nothing new is to be deployed.");
  const others = activity.pushes.filter(({ pusher }) => !isAdmin(situation, pusher));
  if (others.length === 0) return said("Every push since the last deployment was an admin's.");
  const tag = `${CONFIRM}${commit}`;
  const confirmed = (activity.taggers.get(`refs/tags/${tag}`) ?? []).find((login) => isAdmin(situation, login));
  if (confirmed !== undefined) return said(`${confirmed}, an admin, confirmed ${commit}.`);
  const stop = stopping(await findings(situation), { others, commit, admins, tag });
  if (stop.length === 0)
    return said("Pushed by somebody who is no admin; it raises nobody's rights and changes no program.");
  await announce(stop);
  return 1;
}

const said = (sentence: string): 0 => {
  say(sentence);
  return 0;
};

async function findings({ git, stack, deployed, commit }: Situation): Promise<Finding> {
  if ((await git.commit(deployed)) === undefined || !(await git.isAncestor(deployed, commit)))
    return { rewritten: deployed, files: [], raised: [] };
  const document = await openStackFile(PROJECT, stack);
  const roster = dataFile(document, ROSTER) ?? "";
  const files = await git.changedFiles(deployed, commit);
  const programs = files.filter((file) => file !== roster && !isHarmless(file));
  if (!files.includes(roster)) return { files: programs, raised: [] };
  const text = await git.file(commit, roster);
  if (text === undefined) throw new StepError(`${roster} is gone from ${commit}; nothing can be deployed without it.`);
  const folder = await mkdtemp(join(tmpdir(), "workstation-guard-"));
  try {
    await writeFile(join(folder, "roster.yaml"), text);
    useFile(document, ROSTER, join(folder, "roster.yaml"));
    const configFile = join(folder, `Pulumi.${stack}.yaml`);
    await writeFile(configFile, document.toString({ lineWidth: 0 }), { mode: 0o600 });
    return { files: programs, raised: await raisedBy(stack, configFile) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Text that no program, no host and no assistant ever reads. */
const isHarmless = (file: string): boolean => /^docs\/[^/]+\.md$|^README\.md$/.test(file);

const report = z.union([
  z.object({ ok: z.literal(false), message: z.string() }),
  z.object({ raised: z.array(z.object({ who: z.string(), what: z.array(z.string()) })) }),
]);

/** The program's own decision about the pushed roster. @throws StepError with every problem of it */
async function raisedBy(stack: string, configFile: string): Promise<Finding["raised"]> {
  const argv = ["--import", "tsx", "cli/main.ts", "plan", "--json", "--stack", stack, "--config-file", configFile];
  const ran = await run([process.execPath, ...argv], { cwd: PROJECT, timeoutMs: 300_000 });
  const parsed = report.safeParse(parseJson(ran.stdout.toString("utf8")));
  if (!parsed.success) throw new StepError(`What the push means for people could not be decided: ${ran.stderr.trim()}`);
  if ("message" in parsed.data) throw new StepError(parsed.data.message);
  return parsed.data.raised;
}
