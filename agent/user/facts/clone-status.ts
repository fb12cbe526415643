/**
 * Reports the state of a user's clones, in the sentences of the hourly run's warnings. It fetches and changes nothing.
 */

import type { ClonesPart } from "../../contract.ts";
import { lstat } from "../../lib/files.ts";
import { fastForwardChanges } from "../clones/fast-forward.ts";
import { gitFor } from "../../lib/git.ts";
import { codePath, infraPath, obstacleAt } from "../clones/clone-paths.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";
import type { CloneFact } from "../../shared/facts/facts-schemas.ts";

export async function cloneFacts(home: string, part: ClonesPart): Promise<CloneFact[]> {
  if (part.layout === "untouched") return [];
  const said: string[] = [];
  const warn = (sentence: string) => void said.push(sentence);
  const context: StepContext = { part, mode: "check", home, launcher: "", git: gitFor(home, part), warn };
  const repos = part.layout === "workspace" ? part.repos.map(({ name }) => `${codePath(context)}/${name}`) : [];
  const facts: CloneFact[] = [];
  for (const path of [infraPath(context), ...repos]) {
    said.length = 0;
    const state = await stateOf(context, path);
    // The page names the clone itself.
    const why = said
      .map((sentence) => sentence.replace(displayPath(context, path), "").replace(/^[:,]? /, ""))
      .join("; ");
    facts.push({ path: displayPath(context, path), state, ...(why === "" ? {} : { why }) });
  }
  return facts;
}

async function stateOf(context: StepContext, path: string): Promise<CloneFact["state"]> {
  if (lstat(path) === undefined) return "missing";
  const obstacle = obstacleAt(context, path);
  if (obstacle !== undefined) {
    context.warn(obstacle);
    return "kept";
  }
  const warned: string[] = [];
  const changes = await fastForwardChanges(
    { ...context, warn: (sentence) => void warned.push(sentence) },
    path,
    new Set(),
  );
  for (const sentence of warned) context.warn(sentence);
  if (warned.length > 0) return "kept";
  if (changes.length > 0) return "behind";
  const branch = (await context.git.run(["symbolic-ref", "--quiet", "--short", "HEAD"], { in: path })).stdout.trim();
  if (["main", "master", context.part.infra.branch].includes(branch)) return "fresh";
  context.warn(`is on ${branch}, a branch of yours, so it is not updated`);
  return "kept";
}
