/** What the stack remembers of its last run, read back before anything is declared. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { LEDGER_OUTPUT } from "./decision.ts";

export interface Memory {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  /** The version of the user map that the last run went by. */
  readonly userMapVersion?: number;
}

/** Name of the stack output that holds the user map's version. */
export const USER_MAP_VERSION_OUTPUT = "userMapVersion";

/** @throws whatever the engine says when the state cannot be read: an unread memory is not an empty one */
export async function readMemory(): Promise<Memory> {
  const self = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`);
  const { value: ledger } = await self.getOutputDetails(LEDGER_OUTPUT);
  const { value: version } = await self.getOutputDetails(USER_MAP_VERSION_OUTPUT);
  const userMapVersion = z.int().optional().parse(version);
  return { ledger, ...(userMapVersion === undefined ? {} : { userMapVersion }) };
}
