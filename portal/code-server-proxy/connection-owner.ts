/** Determines which uid owns a connected socket of this host, as the kernel reports it, without blocking other requests. */

import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { isIPv4 } from "node:net";

/** The kernel's tables of TCP sockets: a server that listens on all of IPv6 answers over IPv4 too, and is in the second. */
const TABLES: readonly string[] = ["/proc/net/tcp", "/proc/net/tcp6"];

/** The uid of the account, from the system's own file; undefined when there is no such account. */
export function uidOf(osUser: string, passwd: string = readFileSync("/etc/passwd", "utf8")): number | undefined {
  const row = passwd.split("\n").find((line) => line.startsWith(`${osUser}:`));
  const uid = row?.split(":")[2];
  return uid !== undefined && /^\d+$/.test(uid) ? Number(uid) : undefined;
}

/** A connected socket by its own end and its peer's. */
export interface SocketEnds {
  readonly address: string;
  readonly port: number;
  readonly peer: string;
  readonly peerPort: number;
}

/** The uid of the socket's owner; undefined when there is no such socket, or nobody has accepted it yet. */
export type FindOwner = (ends: SocketEnds) => Promise<number | undefined>;

interface Lookup {
  readonly keys: readonly string[];
  readonly resolve: (uid: number | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One scan of the tables runs at a time, and all who ask meanwhile share the next: with many sockets a scan takes long, and
 * one person's connections must not add a scan each to the wait of others.
 */
export function ownerFinder(tables: readonly string[] = TABLES): FindOwner {
  let waiting: Lookup[] = [];
  let running = false;
  const run = async () => {
    running = true;
    while (waiting.length > 0) {
      const lookups = waiting;
      waiting = [];
      try {
        const owners = await ownersAmong(new Set(lookups.flatMap(({ keys }) => keys)), tables);
        for (const { keys, resolve } of lookups) resolve(keys.map((key) => owners.get(key)).find(isKnown));
      } catch (error) {
        for (const { reject } of lookups) reject(error);
      }
    }
    running = false;
  };
  return (ends) =>
    new Promise((resolve, reject) => {
      waiting.push({ keys: keysOf(ends), resolve, reject });
      if (!running) void run();
    });
}

/** The finder of this process: it shares its scans among everybody. */
export const findOwner: FindOwner = ownerFinder();

const isKnown = (uid: number | undefined): uid is number => uid !== undefined;

async function ownersAmong(
  wanted: ReadonlySet<string>,
  tables: readonly string[],
): Promise<ReadonlyMap<string, number | undefined>> {
  const owners = new Map<string, number | undefined>();
  for (const table of tables)
    for await (const lines of linesOf(table))
      for (const line of lines) {
        const found = socketIn(line);
        if (found !== undefined && wanted.has(found.key)) owners.set(found.key, found.uid);
      }
  return owners;
}

/** The kernel hands out a few lines with each read, so other work gets its turn between any two reads. */
async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    // A kernel without IPv6 has no second table.
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    const buffer = Buffer.alloc(65_536);
    let rest = "";
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      yield lines;
    }
    yield [rest];
  } finally {
    await file.close();
  }
}

const ESTABLISHED = " 01 ";

/** `sl: local remote state …`. The ends come first in each line, so that most lines cost two comparisons. */
function socketIn(line: string): { readonly key: string; readonly uid: number | undefined } | undefined {
  const start = line.indexOf(": ") + 2;
  const state = line.indexOf(ESTABLISHED, start);
  if (start < 2 || state === -1) return undefined;
  const key = line.slice(start, state);
  const [, , , uid = "", , inode] = line
    .slice(state + ESTABLISHED.length - 1)
    .trim()
    .split(/\s+/);
  // One that waits in the listener's queue has no file yet, and some kernels then say that it is root's.
  return { key, uid: inode === "0" ? undefined : Number(uid) };
}

const keysOf = ({ address, port, peer, peerPort }: SocketEnds): readonly string[] =>
  hexForms(address).flatMap((mine) =>
    hexForms(peer).map((theirs) => `${mine}:${hexPort(port)} ${theirs}:${hexPort(peerPort)}`),
  );

/** As the kernel's tables print it: words of four bytes, each in the machine's own order. */
function hexForms(address: string): readonly string[] {
  if (isIPv4(address)) {
    const word = wordOf(address.split(".").map(Number));
    return [word, `0000000000000000FFFF0000${word}`];
  }
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - groups(head).length - after.length }, () => "0");
  const all = [...groups(head), ...(tail === undefined ? [] : zeros), ...after].map((group) =>
    Number.parseInt(group, 16),
  );
  const bytes = all.flatMap((group) => [group >> 8, group & 255]);
  return [[0, 4, 8, 12].map((at) => wordOf(bytes.slice(at, at + 4))).join("")];
}

const wordOf = (bytes: readonly number[]): string =>
  [...bytes]
    .reverse()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"))
    .join("");

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
