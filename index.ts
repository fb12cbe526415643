/** Runs the stacks for `pulumi up`. A refusal reaches the operator as a sentence, a bug keeps its stack trace. */

import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./stacks/read-settings.ts";
import { deploy } from "./stacks/deploy.ts";
import { Refusal } from "./config/refusal.ts";

export default async () => {
  try {
    return await deploy(readConfig());
  } catch (cause) {
    throw cause instanceof Refusal ? asSentence(cause.message) : cause;
  }
};

/** Its stack is left out: the SDK would spend a minute on printing what it then does not show. */
function asSentence(message: string): pulumi.RunError {
  const refused = new pulumi.RunError(message);
  refused.stack = message;
  return refused;
}
