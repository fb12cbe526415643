/** The program that `pulumi up` runs. A refusal reaches the operator as a sentence, a bug keeps its stack trace. */

import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "./stacks/config.ts";
import { deploy } from "./stacks/deploy.ts";
import { Refusal } from "./stacks/refusal.ts";

export default async () => {
  try {
    return await deploy(readConfig());
  } catch (cause) {
    throw cause instanceof Refusal ? new pulumi.RunError(cause.message) : cause;
  }
};
