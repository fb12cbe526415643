/** Runs one deployment at a time: waits for a deployment that holds the stack's lock, and then tries again. */

import { setTimeout as sleep } from "node:timers/promises";
import { stackOfPipeline } from "./engine.ts";
import { find } from "./environment.ts";
import type { Ran } from "./run.ts";
import { logError, log } from "./log.ts";

const DEFAULT_WAIT_MINUTES = 30;
const PAUSE_MS = 5_000;

/**
 * @param attempt reads anew what is deployed, since the deployment that was waited for may have changed that, and then
 * deploys. It returns the engine's run, or an exit code where the engine did not have to run.
 * @returns the exit code of the last attempt; 1 where the other deployment did not end within `WS_WAIT_MINUTES`
 */
export async function oneAtATime(attempt: () => Promise<Ran | number>): Promise<number> {
  const deadline = waitDeadline();
  for (let isFirst = true; ; isFirst = false) {
    const ran = await attempt();
    if (typeof ran === "number") return ran;
    const holder = lockHolder(ran);
    if (holder === undefined) return ran.code ?? 1;
    if (Date.now() > deadline) {
      logError(
        `Another deployment runs (${holder}) and did not end in time. Run this pipeline again when it is over. ` +
          `If that run was killed and nothing holds the lock any more: pulumi cancel --stack ${stackOfPipeline()}`,
      );
      return 1;
    }
    if (isFirst) log(`Another deployment runs (${holder}); waiting for it.`);
    await sleep(PAUSE_MS);
  }
}

/** Until when this run waits for other deployments, in milliseconds since 1970. */
export const waitDeadline = (): number => Date.now() + (find("WS_WAIT_MINUTES") ?? DEFAULT_WAIT_MINUTES) * 60_000;

/** Who holds the stack, as the engine reports it; undefined where the run ended for another reason. */
function lockHolder({ code, stdout, stderr }: Ran): string | undefined {
  if (code === 0) return undefined;
  const output = `${stdout.toString("utf8")}\n${stderr}`;
  if (!/currently locked by \d+ lock/.test(output)) return undefined;
  return /created by .*/.exec(output)?.[0].trim() ?? "the engine does not say whose";
}
