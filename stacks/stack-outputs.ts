/** Reads the outputs of the previous run before anything is declared, and registers those of this run. */

import * as pulumi from "@pulumi/pulumi";
import {
  FORMER_BINDINGS_OUTPUT,
  LEDGER_OUTPUT,
  type PreviousRun,
  previousRunFrom,
  SERVICES_OUTPUT,
  UNDELIVERED_OUTPUT,
  USER_MAP_VERSION_OUTPUT,
} from "../config/previous-run.ts";

/**
 * Hands the engine the outputs before the first resource: the program waits for resources as it goes, and one that fails
 * would end it with nobody's ports and uids written down.
 */
export function keepWhateverFails(outputs: Record<string, unknown>): void {
  const stack = pulumi.runtime.getStackResource();
  if (stack !== undefined) pulumi.runtime.registerResourceOutputs(stack, outputs);
}

const NAMES = [LEDGER_OUTPUT, UNDELIVERED_OUTPUT, USER_MAP_VERSION_OUTPUT, SERVICES_OUTPUT, FORMER_BINDINGS_OUTPUT];

/** @throws whatever the engine says when the state cannot be read: an unread state is not an empty one */
export async function readPreviousRun(): Promise<PreviousRun> {
  const self = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`);
  const outputs = new Map<string, unknown>();
  for (const name of NAMES) outputs.set(name, (await self.getOutputDetails(name)).value);
  return previousRunFrom((name) => outputs.get(name));
}
