/** Reads the file about a user that root publishes for that user's own `ws-me`. */

import { userInfo } from "node:os";
import { Refusal } from "../../lib/errors.ts";
import { readSmallFile } from "../../lib/files.ts";
import type { OwnFile } from "../../shared/facts/facts-schemas.ts";

/** @throws Refusal for a user about whom nothing was delivered to this host. */
export function ownFile(): OwnFile {
  const { username, uid } = userInfo();
  const bytes = readSmallFile(`/run/workstation/me/${username}.json`);
  if (bytes === undefined)
    throw new Refusal(`this host has no facts about ${username} yet; they are published every five minutes`);
  const own: OwnFile = JSON.parse(bytes.toString("utf8"));
  if (own.task.uid !== uid) throw new Refusal("the published facts belong to another user");
  return own;
}
