/** Carries out one step of the pipelines, which `ci/main.ts` starts. Each reads its variables from the environment and nothing else. */

import { board } from "./board.ts";
import { credentials } from "./credential-lifetimes.ts";
import { daily } from "./daily.ts";
import { confirm } from "./deliveries.ts";
import { drift } from "./drift.ts";
import { secrets, useStateEnvironment } from "./environment.ts";
import { writeComment } from "./pull-request/comment.ts";
import { preview } from "./pull-request/preview.ts";
import { audit } from "./push/announce-pushes.ts";
import { guard } from "./push/guard-step.ts";
import { up } from "./push/up-step.ts";
import { logError } from "./log.ts";
import { isForOperators, redactFailure } from "./redaction/redact-failure.ts";
import { publish } from "./snapshot/publish.ts";

const STEPS: Readonly<Record<string, () => Promise<number>>> = {
  preview,
  comment: writeComment,
  audit,
  guard,
  up,
  daily,
  confirm,
  publish,
  credentials,
  board,
  drift,
};

/** 0: done. 1: something is in the way, and said. 2: no such step. */
async function main([name = "", ...more]: readonly string[]): Promise<number> {
  const step = Object.hasOwn(STEPS, name) ? STEPS[name] : undefined;
  if (step === undefined || more.length > 0) {
    logError(`Usage: ci/main.ts ${Object.keys(STEPS).join(" | ")}`);
    return 2;
  }
  try {
    useStateEnvironment();
    return await step();
  } catch (cause) {
    if (!isForOperators(cause)) throw redactFailure(cause, secrets());
    logError(`${name}: ${cause.message}`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
