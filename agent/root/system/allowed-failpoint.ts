/** Reads the failpoint that a test asks for, on hosts whose root allows it. */

import { lstat } from "../../lib/files.ts";
import { ALLOW_FAILPOINTS } from "./installed-paths.ts";

/** Only on a host whose root has allowed it with a file of its own. */
export function allowedFailpoint(): string | undefined {
  const wanted = process.env.WORKSTATION_FAILPOINT;
  if (wanted === undefined || wanted === "") return undefined;
  const allow = lstat(ALLOW_FAILPOINTS);
  return allow?.isFile() && allow.uid === 0 ? wanted : undefined;
}
