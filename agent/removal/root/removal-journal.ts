/** Keeps the journal of a removal, from which the next run goes on where the last one ended. */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import { parseJson, describeIssues } from "../../lib/parse-json.ts";
import { STATE } from "../../root/state/json-files.ts";
import type { System } from "../../root/system/privileged-operations.ts";
import { journalOf } from "./archive-paths.ts";

const journal = z.strictObject({
  version: z.literal(1),
  user: z.strictObject({ name: z.string(), uid: z.int().min(1000), gid: z.int(), home: z.string(), shell: z.string() }),
  /** Folder of the verified archive. */
  archive: z.string(),
  /** `YYYY-MM-DD` in UTC. */
  day: z.string(),
});
export type Journal = z.output<typeof journal>;

export function readJournal(sys: System, osUser: string): Journal | undefined {
  const path = journalOf(osUser);
  const bytes = sys.read(path);
  if (bytes === undefined) return undefined;
  const parsed = journal.safeParse(parseJson(bytes.toString("utf8"), path));
  if (!parsed.success) throw new Refusal(`${path} is damaged: ${describeIssues(parsed.error)}`);
  return parsed.data;
}

export function writeJournal(sys: System, of: Journal): void {
  sys.makeDirectory(`${STATE}/removals`, 0o700);
  sys.replaceFile(journalOf(of.user.name), { bytes: `${JSON.stringify(of)}\n`, mode: 0o600 });
}
