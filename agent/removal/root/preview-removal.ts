/**
 * Reports what a removal would delete: files, size, clones with unsaved work, and root's own files. It changes nothing.
 */

import { z } from "zod";
import { loadPart } from "../../root/state/stored-parts.ts";
import { readLedger } from "../../root/state/host-ledger.ts";
import { runOrThrow, type System } from "../../root/system/privileged-operations.ts";
import type { Machine } from "../../root/system/cached-accounts-and-units.ts";
import { displayPath } from "../shared/home-entry.ts";
import { readJournal } from "./removal-journal.ts";
import { archivesOf } from "./archive-paths.ts";
import { listTree, describeObstacles } from "./list-home.ts";
import { callWorker } from "./stream-as-user.ts";
import { filesOf } from "./archive-record.ts";
import { accountOnHost, reasonsAgainstRemoval } from "./preconditions.ts";
import type { Clone } from "../shared/worker-protocol.ts";

export interface RemovalPreview {
  readonly user: string;
  readonly host: string;
  /** Undefined where nothing of theirs is on this host. */
  readonly account: { readonly uid: number; readonly home: string; readonly adopted: boolean } | undefined;
  /** Why not; empty when they may be removed. */
  readonly refused: readonly string[];
  /** The day on which they were removed here already. */
  readonly removedOn: string | undefined;
  /** A removal that was begun and not finished: the archive that it goes on with. */
  readonly unfinished: string | undefined;
  readonly home: { readonly things: number; readonly bytes: number; readonly sockets: number } | undefined;
  readonly clones: readonly Clone[];
  /** Root's own files, which go with the account. */
  readonly files: readonly string[];
  readonly archives: { readonly folder: string; readonly freeBytes: number; readonly there: readonly string[] };
}

const clone = z.strictObject({
  clone: z.string(),
  uncommitted: z.int(),
  unpushed: z.int(),
  stashes: z.int(),
  unknown: z.string().max(200).optional(),
});

export async function previewRemoval(m: Machine, osUser: string, uid: number): Promise<RemovalPreview> {
  const { sys } = m;
  const entry = readLedger(sys).get(osUser);
  const unfinished = readJournal(sys, osUser)?.archive;
  const common = { user: osUser, host: loadPart(sys, "base")?.host ?? "", removedOn: entry?.removedOn, unfinished };
  const folder = archivesOf(sys);
  const there = (sys.list(folder) ?? []).filter((name) => name.startsWith(`${osUser}-`));
  const archives = { folder, freeBytes: await freeBytes(sys, folder), there };
  if (unfinished !== undefined || entry?.removedOn !== undefined)
    return { ...common, account: undefined, refused: [], home: undefined, clones: [], files: [], archives };
  const user = accountOnHost(m, osUser);
  const refused = reasonsAgainstRemoval(m, osUser, uid);
  if (user === undefined)
    return { ...common, account: undefined, refused, home: undefined, clones: [], files: [], archives };
  const { entries, obstacles } = await listTree(sys, user, user.home, false);
  const clones: Clone[] = [];
  await callWorker(sys, {
    user,
    task: { verb: "clones", uid: user.uid, folder: user.home, osUser },
    line: (value) => {
      const { unknown, ...rest } = clone.parse(value);
      clones.push({ ...rest, clone: displayPath(rest.clone), ...(unknown === undefined ? {} : { unknown }) });
    },
  });
  const all = [...entries.values()];
  return {
    ...common,
    account: { uid: user.uid, home: user.home, adopted: entry?.adopted ?? false },
    refused: [...refused, ...describeObstacles(obstacles)],
    home: {
      things: all.length,
      bytes: all.reduce((sum, { size }) => sum + size, 0),
      sockets: all.filter(({ type }) => type === "s").length,
    },
    clones,
    files: filesOf(sys, user),
    archives,
  };
}

async function freeBytes(sys: System, folder: string): Promise<number> {
  sys.makeDirectory(folder, 0o700);
  const said = await runOrThrow(sys, ["/usr/bin/df", "--block-size=1", "--output=avail", "--", folder], {
    reads: true,
  });
  return Number(said.trim().split("\n").at(-1));
}
