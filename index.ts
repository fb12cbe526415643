/** Runs the stacks for `pulumi up`. A refusal reaches the operator as a sentence, a bug keeps its stack trace. */

import { readConfig } from "./stacks/read-settings.ts";
import { deploy } from "./stacks/deploy.ts";
import { runError } from "./stacks/run-error.ts";
import { leaveOutTracesOfSdk } from "./stacks/short-traces.ts";
import { Refusal } from "./config/refusal.ts";

leaveOutTracesOfSdk();

export default async () => {
  try {
    return await deploy(readConfig());
  } catch (cause) {
    throw cause instanceof Refusal ? runError(cause.message) : cause;
  }
};
