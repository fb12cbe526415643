/**
 * Parses the output of `sessions-probe.sh`. The user may forge it, so it is validated like any input from outside.
 * Pure.
 */

import { CONVERSATION_ID } from "../../shared/sessions/conversation-id.ts";
import { type Found, parseListing } from "../../shared/sessions/tmux-listing.ts";
import { parseStat, type Process } from "../../shared/sessions/process-tree.ts";
import { mayServe } from "../../shared/sessions/tmux-socket.ts";
import { pathText } from "../../shared/sessions/path-encoding.ts";
import type { Read } from "../../shared/sessions/session-evidence.ts";

/** A transcript that was not looked into. */
export interface Named {
  readonly folder: string;
  readonly id: string;
  /** The later of its times, of which a person can set only one. In ms since 1970. */
  readonly changedAtMs: number;
  readonly bytes: number;
}

export interface Probed {
  readonly found: readonly Found[];
  readonly read: Read;
  readonly transcripts: readonly Named[];
  /** Whether these are all: a folder of them may not be readable. */
  readonly isListedWhole: boolean;
}

/** As many words of a process's arguments as the probe tells. */
const MOST_WORDS = 200;
/** Far above what a user works with. They bound what root does with output that a user can forge. */
const MOST_PANES = 1000;
const MOST_PROCESSES = 2000;
const MOST_TRANSCRIPTS = 5000;
/** What text holds in the place of bytes that are none. */
const BROKEN = "\uFFFD";

/** Undefined for what is not plainly understood: their worker judges that. */
export function readProbe(output: string, between: string, home: string): Probed | undefined {
  const parts = output.split(`\n${between}\n`);
  const [listing, stats, words, links, names] = parts;
  if (listing === undefined || stats === undefined || words === undefined || links === undefined) return undefined;
  if (names === undefined || parts.length !== 5) return undefined;
  if (linesOf(listing) > MOST_PANES || linesOf(stats) > MOST_PROCESSES) return undefined;
  const { found, warnings } = parseListing(listing);
  const processes = stats.split("\n").flatMap((line) => (line === "" ? [] : [parseStat(line)]));
  const argv = argumentsIn(words);
  const directories = new Map(pairs(links).map(([path, link]) => [pidIn(path), link]));
  const whole = processes.filter((one): one is Process => one !== undefined);
  if (warnings.length > 0 || whole.length < processes.length) return undefined;
  // Another server of theirs may listen on another socket.
  if (whole.filter((one) => mayServe(one.name)).length > 1) return undefined;
  if ([...argv.values()].some((all) => all.length >= MOST_WORDS)) return undefined;
  if ([listing, ...directories.values()].some((text) => text.includes(BROKEN))) return undefined;
  const read: Read = {
    home,
    processes: new Map(whole.map((one) => [one.pid, one])),
    argvOf: (pid) => argv.get(pid) ?? [],
    directoryOf: (pid) => {
      const link = directories.get(pid);
      if (link === "") return { path: `/proc/${pid}/cwd`, code: "EACCES" };
      return link === undefined ? undefined : pathText(Buffer.from(link, "utf8"));
    },
  };
  return { found, read, ...transcriptsIn(names) };
}

const linesOf = (text: string): number => text.split("\n").length - 1;

function argumentsIn(text: string): ReadonlyMap<number, readonly string[]> {
  const all = new Map<number, string[]>();
  for (const [path, word] of pairs(text)) {
    const pid = pidIn(path);
    const words = all.get(pid);
    if (words === undefined) all.set(pid, [word]);
    else words.push(word);
  }
  return all;
}

/** `a NUL b NUL …`, two by two. */
function pairs(text: string): readonly (readonly [string, string])[] {
  const words = text.split("\0");
  return Array.from({ length: Math.floor(words.length / 2) }, (_, at) => [
    words[2 * at] ?? "",
    words[2 * at + 1] ?? "",
  ]);
}

const pidIn = (path: string): number => Number(/^\/proc\/(\d+)\//.exec(path)?.[1]);

const NAMED = /^(\d+)\.\d+ (\d+)\.\d+ (\d+) ([^/]+)\/([^/]+)\.jsonl$/;

function transcriptsIn(text: string): Pick<Probed, "transcripts" | "isListedWhole"> {
  const all: Named[] = [];
  const lines = text.split("\0").slice(0, -1);
  let isListedWhole = lines.length <= MOST_TRANSCRIPTS;
  for (const line of lines.slice(0, MOST_TRANSCRIPTS)) {
    const [, written, changed, bytes, folder = "", id = ""] = NAMED.exec(line) ?? [];
    if (folder === "") isListedWhole = false;
    const changedAtMs = Math.max(Number(written), Number(changed)) * 1000;
    if (CONVERSATION_ID.test(id)) all.push({ folder, id, changedAtMs, bytes: Number(bytes) });
  }
  return { transcripts: all, isListedWhole };
}
