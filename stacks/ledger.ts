/** The stack's own memory of what was given to whom, read back from its last run before anything is declared. */

import * as pulumi from "@pulumi/pulumi";
import { LEDGER_OUTPUT } from "./decision.ts";

/**
 * @returns the ledger as the last run wrote it, or undefined for a stack that never ran
 * @throws whatever the engine says when the state cannot be read: an unread ledger is not an empty one
 */
export async function readLedger(): Promise<unknown> {
  const self = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`);
  const { value } = await self.getOutputDetails(LEDGER_OUTPUT);
  return value;
}
