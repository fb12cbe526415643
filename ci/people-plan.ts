/** Runs this checkout's own `./ws plan --json` for a step and reads its answer. */

import { z } from "zod";
import { PROJECT } from "../cli/pulumi.ts";
import { parseJson } from "../clients/parse-json.ts";
import type { StackAt } from "./engine.ts";
import { StepError } from "./environment.ts";
import { run, WS } from "./run.ts";

const message = z.object({ message: z.string() });
const planned = z.object({
  plan: z.array(z.string()),
  raised: z.array(z.object({ who: z.string(), what: z.array(z.string()) })),
  brakes: z.array(message),
  warnings: z.array(message),
  notices: z.array(z.string()),
});
const answer = z.union([message.extend({ ok: z.literal(false) }), planned]);

/** What would happen to whom. */
export type PeoplePlan = z.output<typeof planned>;
/** The program refuses the roster or the configuration; its message holds every problem, a line each. */
export type PlanRefusal = z.output<typeof message>;

/** @throws StepError where the command gives no answer at all */
export async function planPeople({
  stack,
  configFile,
  env,
}: Pick<StackAt, "stack" | "configFile" | "env">): Promise<PeoplePlan | PlanRefusal> {
  const file = configFile === undefined ? [] : ["--config-file", configFile];
  const argv = [...WS, "plan", "--json", "--stack", stack, ...file] as const;
  const ran = await run([process.execPath, ...argv], { cwd: PROJECT, ...(env && { env }), timeoutMs: 300_000 });
  const parsed = answer.safeParse(parseJson(ran.stdout.toString("utf8")));
  if (!parsed.success) throw new StepError(`The plan could not be made:\n${ran.stderr.trim()}`);
  return parsed.data;
}
