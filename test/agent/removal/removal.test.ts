/**
 * Tests the core steps of a removal without a host: what an archive holds, whether it equals the home, and what is
 * deleted after that comparison.
 */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeEach, expect, test, vi } from "vitest";
import {
  assertEntriesInside,
  assertOwnedByRoot,
  withoutSetId,
  countSetId,
} from "../../../agent/removal/root/validate-archive.ts";
import { differencesOf, firstOf } from "../../../agent/removal/root/compare-entries.ts";
import { type Entry, entryOf } from "../../../agent/removal/shared/home-entry.ts";
import { ByteReader } from "../../../agent/removal/shared/byte-reader.ts";
import { list } from "../../../agent/removal/user/list-tree.ts";
import type { Obstacle, Remaining } from "../../../agent/removal/shared/worker-protocol.ts";
import { readTar } from "../../../agent/removal/user/read-tar.ts";
import { clearSetId } from "../../../agent/removal/user/clear-setid.ts";
import { deleteArchived } from "../../../agent/removal/user/delete-archived.ts";
import type { System } from "../../../agent/root/system/privileged-operations.ts";

// It starts GNU tar, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ws-removal-"));
  const script = `umask 022; mkdir -p deep/er with\\ space; printf words > deep/er/text; ln deep/er/text deep/other-name
ln -s /etc/passwd link; ln -s ${"x".repeat(150)} long-link; mkfifo pipe; truncate -s 3M sparse; printf end >> sparse; : > empty
printf odd > "$(printf 'n\\303\\244me\\nline\\377')"; mkdir -p ${"d".repeat(120)}/${"e".repeat(120)}; echo far > ${"d".repeat(120)}/${"e".repeat(120)}/file
chmod 4755 deep/er/text; touch -d '1969-12-31 22:00:00.25 UTC' empty; touch -d '2001-02-03 04:05:06.123456789' deep`;
  const made = spawnSync("/bin/sh", ["-euc", script], { cwd: home, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
});

function listed(): { readonly entries: Map<string, Entry>; readonly obstacles: Obstacle[] } {
  const entries = new Map<string, Entry>();
  const obstacles: Obstacle[] = [];
  list({ verb: "list", folder: home, read: true }, (line) => {
    if ("obstacle" in line) obstacles.push(line);
    else entries.set(line.path, line);
  });
  return { entries, obstacles };
}

const TAR = ["--create", "--file=-", "--format=posix", "--sparse", "--sparse-version=1.0", "--numeric-owner"];

const packed = (): Buffer => spawnSync("tar", [...TAR, `--directory=${home}`, "."], { maxBuffer: 1 << 26 }).stdout;

async function unpacked(archive: Buffer): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  // In odd pieces, as a pipe may hand it over.
  const pieces = function* () {
    for (let at = 0; at < archive.length; at += 1021) yield archive.subarray(at, at + 1021);
  };
  await readTar(new ByteReader(Readable.from(pieces())), (entry) => entries.set(entry.path, entry));
  return entries;
}

function wiped(entries: ReadonlyMap<string, Entry>): readonly Remaining[] {
  const left: Remaining[] = [];
  deleteArchived({ verb: "delete", folder: home }, entries, (line) => left.push(line));
  return left;
}

test("what GNU tar has packed is told of just as the home itself: every name, kind, checksum, right, owner and time", async () => {
  const { entries, obstacles } = listed();
  expect([entries.size, obstacles]).toEqual([15, []]);
  const archive = await unpacked(packed());
  expect(differencesOf(entries, archive, "with-owner")).toEqual([]);
  expect([archive.get("sparse")?.size, archive.get("link")?.content]).toEqual([3 * 1024 * 1024 + 3, "/etc/passwd"]);
  const lines = [...entries.values()].map((entry) => entryOf(JSON.stringify(entry)));
  expect(lines).toEqual([...entries.values()]);
});

test.each([
  ["a changed word", () => writeFileSync(join(home, "deep/er/text"), "sword"), "~/deep/er/text has another checksum"],
  ["a new file", () => writeFileSync(join(home, "new"), ""), "~/new is missing"],
  ["another right", () => spawnSync("chmod", ["600", join(home, "sparse")]), "~/sparse has the mode 644 and not 600"],
  ["another time", () => utimesSync(join(home, "sparse"), 1, 1), "~/sparse has another time"],
  [
    "a link that points elsewhere",
    () => renameSync(join(home, "long-link"), join(home, "link")),
    "~/link points elsewhere",
  ],
])("%s is found", async (_what, change, said) => {
  const archive = await unpacked(packed());
  change();
  expect(differencesOf(listed().entries, archive, "with-owner")).toContain(said);
});

test("an archive that is cut off, or that has one flipped bit in a header, is refused; one in a file has another checksum", async () => {
  const archive = packed();
  await expect(unpacked(archive.subarray(0, 2000))).rejects.toThrow("truncated");
  const header = Buffer.from(archive);
  header[10] = (header[10] ?? 0) ^ 1;
  await expect(unpacked(header)).rejects.toThrow("damaged");
  const content = Buffer.from(archive);
  const at = content.indexOf("words\0");
  content[at] = "W".charCodeAt(0);
  expect(differencesOf(listed().entries, await unpacked(content), "with-owner")).toContain(
    "~/deep/er/text has another checksum",
  );
});

test("everything that is archived is deleted, and the home itself stays", () => {
  expect(wiped(listed().entries)).toEqual([]);
  expect(listed().entries.size).toBe(1);
});

test("what came, changed or was swapped after the archive stays, and nothing outside is followed", () => {
  const { entries } = listed();
  const outside = mkdtempSync(join(tmpdir(), "ws-precious-"));
  mkdirSync(join(outside, "er"));
  writeFileSync(join(outside, "er/text"), "gold");
  renameSync(join(home, "deep"), `${outside}/deep`);
  symlinkSync(outside, join(home, "deep"));
  writeFileSync(join(home, "with space/new"), "new");
  writeFileSync(join(home, "empty"), "no more");
  const left = new Map(wiped(entries).map(({ path, left: why }) => [path, why]));
  expect(Object.fromEntries(left)).toEqual({
    deep: "it is something else than what was archived",
    empty: "it changed after it was archived",
    "with space": "it is not empty",
    "with space/new": "it is not in the archive",
  });
  expect([readFileSync(join(outside, "er/text"), "utf8"), existsSync(join(home, "with space/new"))]).toEqual([
    "gold",
    true,
  ]);
});

test("folders that their owner closed are opened to be emptied", () => {
  spawnSync("chmod", ["500", join(home, "deep")]);
  spawnSync("chmod", ["000", join(home, "with space")]);
  expect(wiped(listed().entries)).toEqual([]);
});

test("a line that is none of the worker's is refused, and a long list is cut short", () => {
  expect(() => entryOf('{"path":"x"}')).toThrow("in an unknown format");
  expect(() => entryOf("not even that")).toThrow("in an unknown format");
  expect(firstOf(["a", "b", "c"], 2)).toBe("a; b; and 1 more");
});

/** One ustar member, as somebody may write it who wishes us ill. */
function member(
  name: string,
  over: { type?: string; link?: string; mode?: number; text?: string; magic?: string } = {},
) {
  const { type = "0", link = "", mode = 0o644, text = "", magic = "ustar\0" } = over;
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  const put = (value: string, at: number) => header.write(value, at, "latin1");
  put(name, 0);
  for (const [value, at, length] of [
    [mode, 100, 8],
    [1000, 108, 8],
    [1000, 116, 8],
    [Buffer.byteLength(text), 124, 12],
    [0, 136, 12],
  ] as const)
    put(octal(value, length), at);
  for (const [value, at] of [
    ["        ", 148],
    [type, 156],
    [link, 157],
    [magic, 257],
    ["00", 263],
  ] as const)
    put(value, at);
  put(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  );
  const padding = Buffer.alloc((512 - (Buffer.byteLength(text) % 512)) % 512);
  return Buffer.concat([header, Buffer.from(text), padding]);
}
const home0 = member("./", { type: "5", mode: 0o700 });
const archiveOf = (...members: readonly Buffer[]) => Buffer.concat([...members, Buffer.alloc(1024)]);
const extended = (line: string) => member("./x", { type: "x", text: `${line.length + 4} ${line}\n` });

test.each([
  ["an absolute path", [home0, member("/etc/cron.d/mine")], "~//etc/cron.d/mine is an absolute path"],
  ["a way up", [home0, member("./../two/file")], "~/../two/file leads out of the home"],
  ["a way up further in", [home0, member("./a", { type: "5" }), member("./a/../../b")], "leads out of the home"],
  ["a way up in an extended header", [home0, extended("path=./../b"), member("./b")], "~/../b leads out of the home"],
  ["a device", [home0, member("./disk", { type: "4" })], "~/disk is a device"],
  [
    "a file behind a link that leads away",
    [home0, member("./deep", { type: "2", link: "/home/two" }), member("./deep/file")],
    "~/deep/file lies in something that is no folder",
  ],
  [
    "another name of a file that is outside",
    [home0, member("./shadow", { type: "1", link: "/etc/shadow" })],
    "~/shadow is another name of something outside of the archive",
  ],
  [
    "another name of a file that comes later",
    [home0, member("./b", { type: "1", link: "./a" }), member("./a")],
    "~/b is another name of something outside",
  ],
  ["a home that is a link", [member("./", { type: "2", link: "/etc" })], "no folder"],
  ["a home that others may write in", [member("./", { type: "5", mode: 0o777 })], "no folder that its owner alone"],
  ["no home at all", [member("./a")], "~/a lies in something that is no folder"],
])("an archive with %s is never unpacked", async (_what, members, said) => {
  const look = async () => assertEntriesInside("one-20260101T000000Z", await unpacked(archiveOf(...members)));
  await expect(look()).rejects.toThrow(said.startsWith("no folder") ? /no folder|damaged/ : said);
});

test.each([
  ["a header for all members at once", member("./g", { type: "g", text: "16 path=./../b\n" }), "unknown kind"],
  ["a long name in GNU's older way", member("././@LongLink", { type: "L", text: "./../b" }), "unknown kind"],
  [
    "a header of the older format, where the name is read otherwise",
    member("./a", { magic: "ustar " }),
    "unsupported format",
  ],
  ["an extended header with a word that we do not write", extended("GNU.dumpdir=Yfile"), "unsupported format"],
  ["a file whose name ends like a folder's", member("./a/"), "ends with a slash"],
])("%s is refused, since two programs may understand it in two ways", async (_what, strange, said) => {
  await expect(unpacked(archiveOf(home0, strange))).rejects.toThrow(said);
});

test("every home that can be archived may be unpacked again, its set-user-ID programs as plain files", async () => {
  const archive = await unpacked(packed());
  expect(() => assertEntriesInside("one-20260101T000000Z", archive)).not.toThrow();
  // Two names of one file.
  expect(countSetId(archive)).toBe(2);
  expect([withoutSetId(archive).get("deep/er/text")?.mode, withoutSetId(archive).get("deep")?.mode]).toEqual([
    0o755, 0o755,
  ]);
  chmodSync(join(home, "deep"), 0o2775);
  const before = listed().entries;
  clearSetId({ verb: "clear-setid", folder: home });
  expect(differencesOf(withoutSetId(before), listed().entries, "with-owner")).toEqual([]);
  expect(differencesOf(before, listed().entries, "with-owner")).toHaveLength(2);
  expect(listed().entries.get("deep")?.mode).toBe(0o2775);
});

test("an archive that others could change while it is read is refused, with what makes it root's", () => {
  const folder = "/archives/one-20260101T000000Z";
  const files = ["record.json", "files.jsonl.gz", "home.tar.gz"].map((name) => `${folder}/${name}`);
  const look = (over: Readonly<Record<string, string>>) => () =>
    assertOwnedByRoot(
      { look: (path: string) => statOf(over[path] ?? (path === folder ? "d 700 0" : "- 600 0")) } as unknown as System,
      folder,
    );
  expect(look({})).not.toThrow();
  for (const [path, found, said] of [
    [folder, "d 700 1000", `${folder} is writable by others than root`],
    [folder, "l 777 0", `${folder} is a symbolic link`],
    ...files.flatMap((file) => [
      [file, "- 660 0", `${file} is writable by others than root`] as const,
      [file, "- 644 1000", `${file} is writable by others than root`] as const,
      [file, "l 777 0", `${file} is a symbolic link`] as const,
      [file, "", `${file} is missing`] as const,
    ]),
  ] as const)
    expect(look({ [path]: found })).toThrow(said);
});

function statOf(text: string) {
  if (text === "") return undefined;
  const [kind, mode = "", uid = ""] = text.split(" ");
  const no = () => false;
  return {
    ...{ mode: Number.parseInt(mode, 8), uid: Number(uid), isFIFO: no, isSocket: no },
    ...{ isFile: () => kind === "-", isDirectory: () => kind === "d", isSymbolicLink: () => kind === "l" },
  };
}
