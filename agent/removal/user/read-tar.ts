/** Reads a tar stream and returns an entry for each member, like those of a home's listing. It writes nothing. */

import { createHash } from "node:crypto";
import { Refusal } from "../../lib/errors.ts";
import type { Entry } from "../shared/home-entry.ts";
import type { ByteReader } from "../shared/byte-reader.ts";

const BLOCK = 512;
/** Extended headers hold a path and some attributes. */
const LARGEST_HEADER = 4 << 20;

/** @throws Refusal for a truncated stream, or one that is not a tar archive */
export async function readTar(bytes: ByteReader, tell: (entry: Entry) => void): Promise<void> {
  let extended: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!isWhole(header)) throw new Refusal("the archive is damaged: a header has a wrong checksum");
    if (header.toString("latin1", 257, 263) !== "ustar\0") throw new Refusal("the archive has an unsupported format");
    const type = header.toString("latin1", 156, 157);
    const size = Number(extended.get("size") ?? numberIn(header, 124, 12));
    if (type === "x") {
      if (size > LARGEST_HEADER) throw new Refusal("the archive is damaged: a header is too large");
      extended = pairsOf((await bytes.take(padded(size))).subarray(0, size));
      continue;
    }
    tell(await memberOf(bytes, header, { type, size, extended }));
    extended = new Map();
  }
  await bytes.drain();
}

interface Member {
  readonly type: string;
  /** Of the data in the archive. */
  readonly size: number;
  readonly extended: ReadonlyMap<string, string>;
}

async function memberOf(bytes: ByteReader, header: Buffer, { type, size, extended }: Member): Promise<Entry> {
  const name = extended.get("GNU.sparse.name") ?? extended.get("path") ?? nameIn(header);
  const link = extended.get("linkpath") ?? textIn(header, 157, 100);
  const kind = KINDS.get(type);
  if (kind === undefined) throw new Refusal(`the archive holds a member of an unknown kind (${JSON.stringify(type)})`);
  if (kind !== "d" && name.endsWith("/"))
    throw new Refusal("the archive is damaged: the name of a file ends with a slash");
  const sameAs = type === "1" ? { sameAs: inside(link) } : {};
  const file = kind === "f" && type !== "1" ? await fileOf(bytes, size, extended) : { size: 0, content: "" };
  return {
    path: inside(name),
    type: kind,
    mode: numberIn(header, 100, 8) & 0o7777,
    uid: Number(extended.get("uid") ?? numberIn(header, 108, 8)),
    gid: Number(extended.get("gid") ?? numberIn(header, 116, 8)),
    size: file.size,
    mtimeNs: nanoseconds(extended.get("mtime") ?? String(numberIn(header, 136, 12))),
    content: kind === "l" ? link : file.content,
    ...sameAs,
  };
}

const KINDS: ReadonlyMap<string, Entry["type"]> = new Map([
  ["0", "f"],
  ["\0", "f"],
  ["1", "f"],
  ["2", "l"],
  ["3", "x"],
  ["4", "x"],
  ["5", "d"],
  ["6", "p"],
]);

/** The checksum of what the file held, holes included. */
async function fileOf(bytes: ByteReader, stored: number, extended: ReadonlyMap<string, string>) {
  const hash = createHash("sha256");
  if (!extended.has("GNU.sparse.major")) {
    await bytes.each(stored, (part) => hash.update(part));
    await bytes.skip(padded(stored) - stored);
    return { size: stored, content: hash.digest("hex") };
  }
  const size = Number(extended.get("GNU.sparse.realsize"));
  const { pieces, length } = await mapOf(bytes);
  let at = 0;
  const holes = (upTo: number) => {
    for (; at < upTo; at += Math.min(ZEROS.length, upTo - at))
      hash.update(ZEROS.subarray(0, Math.min(ZEROS.length, upTo - at)));
  };
  for (const [offset, count] of pieces) {
    holes(offset);
    await bytes.each(count, (part) => hash.update(part));
    at += count;
  }
  holes(size);
  await bytes.skip(padded(stored) - length - pieces.reduce((sum, [, count]) => sum + count, 0));
  return { size, content: hash.digest("hex") };
}

const ZEROS = Buffer.alloc(1 << 20);

/** The map of a sparse file: decimal numbers, a line each, in whole blocks before the data. */
async function mapOf(bytes: ByteReader) {
  let text = "";
  let length = 0;
  const numbers = () => text.split("\n").slice(0, -1).map(Number);
  const more = async () => {
    text += (await bytes.take(BLOCK)).toString("latin1");
    length += BLOCK;
  };
  await more();
  while (numbers().length < 1 + 2 * (numbers()[0] ?? Number.POSITIVE_INFINITY)) await more();
  const [count = 0, ...rest] = numbers();
  const pieces = Array.from({ length: count }, (_, i) => [rest[2 * i] ?? 0, rest[2 * i + 1] ?? 0] as const);
  return { pieces, length };
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

const textIn = (header: Buffer, start: number, length: number): string =>
  header.toString("latin1", start, start + length).replace(/\0.*$/s, "");

function nameIn(header: Buffer): string {
  const prefix = textIn(header, 345, 155);
  return prefix === "" ? textIn(header, 0, 100) : `${prefix}/${textIn(header, 0, 100)}`;
}

function numberIn(header: Buffer, start: number, length: number): number {
  const text = textIn(header, start, length).trim();
  if (!/^[0-7]*$/.test(text)) throw new Refusal("the archive is damaged: a header has a malformed number");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

/** The header's own sum, its field counted as blanks. */
function isWhole(header: Buffer): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  return sum === numberIn(header, 148, 8);
}

const KEYS: ReadonlySet<string> = new Set([
  ...["path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime"],
  ...["GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.realsize"],
]);
const ATTRIBUTE = /^SCHILY\.(xattr\.|acl\.)[^=]+=/;

/** `length key=value\n` one after the other. */
function pairsOf(text: Buffer): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const blank = text.indexOf(" ", at, "latin1");
    const length = Number(text.toString("latin1", at, blank));
    if (blank < 0 || !(length > 0)) throw new Refusal("the archive is damaged: an extended header is malformed");
    const pair = text.toString("latin1", blank + 1, at + length - 1);
    const [, key = "", value = ""] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    // Whatever else unpacks it must understand it in the same way: only what we write ourselves is known here.
    if (!(KEYS.has(key) || ATTRIBUTE.test(pair))) throw new Refusal("the archive has an unsupported format");
    if (KEYS.has(key)) pairs.set(key, value);
    at += length;
  }
  return pairs;
}

/** `./code/` is `code`, and `.` is the home itself. */
const inside = (name: string): string => name.replace(/^\.(\/|$)/, "").replace(/\/$/, "");

/** @example nanoseconds("1700000000.5") === "1700000000500000000" */
function nanoseconds(text: string): string {
  const [, sign = "", whole = "0", part = ""] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
  const magnitude = BigInt(whole) * 1_000_000_000n + BigInt(part.slice(0, 9).padEnd(9, "0"));
  return String(sign === "-" ? -magnitude : magnitude);
}
