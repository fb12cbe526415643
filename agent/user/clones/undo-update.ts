/**
 * Undoes an update of a clone that failed or was killed in the middle: every file that git had put there is replaced by
 * the one before it, and what its person wrote meanwhile stays.
 */

import { createHash } from "node:crypto";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { lstat, readSmallFile } from "../../lib/files.ts";
import { Refusal, systemCode, messageOf } from "../../lib/errors.ts";
import { type CloneContext, displayPath } from "../home/step-context.ts";
import {
  absolute,
  type BytePath,
  type ChangedFile,
  entryAt,
  isObstructed,
  parentsOf,
  readable,
  SUBMODULE,
} from "./changed-files.ts";
import { restore, restoreBeside } from "./preserve-concurrent-writes.ts";
import { type Brought, isOriginal, isReplaced, keep, type Journal, keptName } from "./update-journal.ts";

type Brings = NonNullable<ChangedFile["brings"]>;

export interface Undone {
  /** Whether anything of the update was there. */
  readonly changed: boolean;
  /** Files of the person's that are now beside their place, since another one of theirs is in it. */
  readonly beside: readonly BytePath[];
  /** Files that stay, since they may be the person's: not those from before, and by no means certainly the update's. */
  readonly unclear: readonly BytePath[];
}

/**
 * @throws Refusal that names the files which cannot be put back; their bytes stay in the journal, and the next run tries
 *   again
 */
export async function undoUpdate(context: CloneContext, clone: string, journal: Journal): Promise<Undone> {
  const theUpdates = await filesOfTheUpdate(context, clone, journal);
  const failed: string[] = [];
  const attempt = (path: BytePath, undo: () => void) => {
    try {
      undo();
    } catch (error) {
      failed.push(`${readable(path)} (${messageOf(error)})`);
    }
  };
  const index = await undoIndex(context, clone, journal);
  undoOrigHead(clone, journal);
  // What the update brought goes first: it may stand where a directory has to be again.
  const brought = journal.brought.filter(({ path }) => theUpdates.has(path));
  for (const { path } of brought) attempt(path, () => removeEntry(clone, path));
  for (const one of brought) attempt(one.path, () => removeMadeDirectories(clone, one));
  const kept = journal.kept.map((one, at) => ({ ...one, at })).filter((one) => isReplaced(clone, one, one.at));
  const asides: BytePath[] = [];
  const unclear = journal.brought
    .map(({ path }) => path)
    .filter((path) => !theUpdates.has(path) && entryAt(clone, path) !== undefined);
  for (const { path, at, size, modifiedMs } of kept) {
    const second = lstat(keptName(clone, at));
    const isWritten = second?.size !== size || second.mtimeMs !== modifiedMs;
    const isEmpty = entryAt(clone, path) === undefined && !isObstructed(clone, path);
    const isFree = theUpdates.has(path) || isEmpty;
    // Theirs is newer, and the one before it is in the commit.
    if (!isFree && !isWritten) {
      if (entryAt(clone, path) !== undefined) unclear.push(path);
      continue;
    }
    attempt(path, () => {
      // Neither a file nor a directory can be moved over the other.
      if (isFree && entryAt(clone, path)?.isDirectory() !== second?.isDirectory()) removeEntry(clone, path);
      const is = isFree ? restore(clone, at, path) : restoreBeside(clone, at, path);
      if (is !== path) asides.push(is);
    });
  }
  if (failed.length > 0)
    throw new Refusal(
      `${displayPath(context, clone)} is half updated, and cannot be put back: ${failed.slice(0, 5).join(", ")}; what was there is in ${displayPath(context, clone)}/.git/workstation-kept`,
    );
  return { changed: index || brought.length > 0 || kept.length > 0, beside: asides, unclear };
}

/** Git writes the index just before it moves the branch. @returns whether it had come that far */
async function undoIndex(context: CloneContext, clone: string, { to = "" }: Journal): Promise<boolean> {
  const [index, kept, lock] = [join(clone, ".git/index"), keptName(clone, "index"), join(clone, ".git/index.lock")];
  const before = lstat(kept);
  if (before === undefined || isOriginal(before, lstat(index))) return false;
  const same = await context.git.run(["diff-index", "--cached", "--quiet", to, "--"], { in: clone });
  if (same.code !== 0) return false;
  try {
    keep(Buffer.from(kept), before, lock);
  } catch (error) {
    if (systemCode(error) === "EEXIST")
      throw new Refusal(`${displayPath(context, lock)} exists: another git is at work there`);
    throw error;
  }
  renameSync(lock, index);
  return true;
}

/** Git notes where the branch was before it begins: `ORIG_HEAD` may be its person's way back from a rebase of their own. */
function undoOrigHead(clone: string, { from = "" }: Journal): void {
  const [file, kept] = [join(clone, ".git/ORIG_HEAD"), keptName(clone, "ORIG_HEAD")];
  const before = lstat(kept);
  if (isOriginal(before, lstat(file)) || readSmallFile(file)?.toString("utf8").trim() !== from) return;
  if (before === undefined) unlinkSync(file);
  else renameSync(kept, file);
}

/** Of a submodule the update brings no more than an empty directory. */
function removeEntry(clone: string, path: BytePath): void {
  const there = entryAt(clone, path);
  if (there?.isDirectory()) rmdirSync(absolute(clone, path));
  else if (there !== undefined) unlinkSync(absolute(clone, path));
}

function removeMadeDirectories(clone: string, { path, makes }: Brought): void {
  if (makes === undefined) return;
  const made = parentsOf(path).slice(parentsOf(makes).length);
  for (const directory of [...made].reverse()) {
    // A directory that is gone has been taken along; what its person has put in its place is theirs.
    if (entryAt(clone, directory)?.isDirectory() !== true) continue;
    try {
      rmdirSync(absolute(clone, directory));
    } catch (error) {
      // Something else is in it, or an earlier file of the same directory has taken it along.
      if (["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) return;
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }
}

/** The paths whose file now was certainly written by the update, whole or in part. */
async function filesOfTheUpdate(
  context: CloneContext,
  clone: string,
  { kept, brought }: Journal,
): Promise<ReadonlySet<BytePath>> {
  const found = new Set<BytePath>();
  const suspects = [...kept.filter((one, at) => isReplaced(clone, one, at)), ...brought];
  for (const { path, brings } of suspects)
    if (brings !== undefined && (await isOfTheUpdate(context, clone, path, brings))) found.add(path);
  return found;
}

async function isOfTheUpdate(context: CloneContext, clone: string, path: BytePath, brings: Brings): Promise<boolean> {
  const file = absolute(clone, path);
  const there = entryAt(clone, path);
  if (there === undefined) return false;
  if (there.isSymbolicLink()) {
    const target = readlinkSync(file, { encoding: "buffer" });
    return blobId(brings.oid, target.length, [target]) === brings.oid;
  }
  // A submodule that the update brings is an empty directory.
  if (there.isDirectory()) return brings.mode === SUBMODULE && readdirSync(file).length === 0;
  if (!there.isFile()) return false;
  // An empty file holds nothing that could be lost: it is what git leaves of one when the disk is full.
  if (there.size === 0 || blobId(brings.oid, there.size, chunksOf(file)) === brings.oid) return true;
  return (await isConverted(context, clone, path, brings)) || (await isBeginning(context, clone, path, brings));
}

/** Git's name for these bytes; which hash it uses shows in the length of another name. */
function blobId(like: string, size: number, chunks: Iterable<Buffer>): string {
  const hash = createHash(like.length === 64 ? "sha256" : "sha1").update(`blob ${size}\0`);
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Each piece is valid until the next one is asked for. */
function* chunksOf(file: Buffer): Generator<Buffer> {
  const fd = openSync(file, "r");
  try {
    const chunk = Buffer.alloc(1024 * 1024);
    for (let got = readSync(fd, chunk); got > 0; got = readSync(fd, chunk)) yield chunk.subarray(0, got);
  } finally {
    closeSync(fd);
  }
}

/** Line ends, a filter or an encoding make the file another one than the blob; git converts it back. */
async function isConverted(context: CloneContext, clone: string, path: BytePath, { oid }: Brings): Promise<boolean> {
  if (!isText(path)) return false;
  const ran = await context.git.run(["hash-object", "--", readable(path)], { in: clone });
  return ran.code === 0 && ran.stdout.trim() === oid;
}

/** What fits on a full disk. */
const LONGEST_BEGINNING = 64 * 1024 * 1024;

async function isBeginning(context: CloneContext, clone: string, path: BytePath, { oid }: Brings): Promise<boolean> {
  const size = entryAt(clone, path)?.size ?? 0;
  if (size > LONGEST_BEGINNING) return false;
  const now = readFileSync(absolute(clone, path), "latin1");
  const options = { in: clone, bytes: true, capBytes: size };
  const converted = isText(path) ? [["cat-file", "--filters", `--path=${readable(path)}`, oid]] : [];
  for (const args of [["cat-file", "blob", oid], ...converted])
    if ((await context.git.run(args, options)).stdout === now) return true;
  return false;
}

/** An argument cannot hold other bytes. */
const isText = (path: BytePath): boolean => Buffer.from(readable(path), "utf8").toString("latin1") === path;
