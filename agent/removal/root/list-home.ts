/** Lists everything in a home through a process of its user and validates each line of the listing. */

import { z } from "zod";
import { Refusal } from "../../lib/errors.ts";
import type { User } from "../../root/system/account-database.ts";
import type { System } from "../../root/system/privileged-operations.ts";
import { firstOf } from "./compare-entries.ts";
import { type Entry, entryOf, displayPath } from "../shared/home-entry.ts";
import { callWorker } from "./stream-as-user.ts";
import type { Obstacle } from "../shared/worker-protocol.ts";

const obstacle = z.strictObject({
  obstacle: z.enum(["unreadable", "undeletable", "another file system"]),
  path: z.string().max(65_536),
}) satisfies z.ZodType<Obstacle>;

export interface Listing {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly obstacles: readonly Obstacle[];
}

/** Root's memory is worth more than the names in anybody's home. */
const MOST = 5_000_000;

/** @param read with checksums. @throws Refusal when the worker does not answer in full */
export async function listTree(sys: System, user: User, folder: string, read: boolean): Promise<Listing> {
  const entries = new Map<string, Entry>();
  const obstacles: Obstacle[] = [];
  const line = (value: unknown, text: string) => {
    const parsed = obstacle.safeParse(value);
    if (parsed.success) obstacles.push(parsed.data);
    else addEntry(entries, entryOf(text));
  };
  await callWorker(sys, { user, task: { verb: "list", uid: user.uid, folder, read }, line });
  return { entries, obstacles };
}

/** @throws Refusal for more than anybody has */
export function addEntry(entries: Map<string, Entry>, entry: Entry): void {
  entries.set(entry.path, entry);
  if (entries.size > MOST) throw new Refusal(`the home contains more than ${MOST} files; remove it by hand`);
}

/** In words, with the way past each kind; empty when nothing stands in the way. */
export function describeObstacles(obstacles: readonly Obstacle[]): readonly string[] {
  const of = (kind: Obstacle["obstacle"]) =>
    obstacles.filter((one) => one.obstacle === kind).map(({ path }) => displayPath(path));
  const sentence = (names: readonly string[], what: string) =>
    names.length === 0 ? [] : [`${what}: ${firstOf(names)}`];
  return [
    ...sentence(
      of("unreadable"),
      "their owner cannot read these, so no archive could hold them (give them `chmod u+rX`, or delete them)",
    ),
    ...sentence(
      of("undeletable"),
      "their owner could not delete these (give their folder back with chown, or delete them)",
    ),
    ...sentence(of("another file system"), "another file system is mounted here (unmount it)"),
  ];
}
