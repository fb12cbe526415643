/** The heart of removing for good, without a host: what an archive holds, whether it is what the home holds, and what is deleted by it. */

import { spawnSync } from "node:child_process";
import {
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
import { differencesOf, firstOf } from "../../agent/removal/compare.ts";
import { type Entry, entryOf } from "../../agent/removal/entry.ts";
import { Bytes } from "../../agent/removal/worker/bytes.ts";
import { list, type Obstacle } from "../../agent/removal/worker/list.ts";
import { readTar } from "../../agent/removal/worker/read-tar.ts";
import { type Left, wipe } from "../../agent/removal/worker/wipe.ts";

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
  await readTar(new Bytes(Readable.from(pieces())), (entry) => entries.set(entry.path, entry));
  return entries;
}

function wiped(entries: ReadonlyMap<string, Entry>): readonly Left[] {
  const left: Left[] = [];
  wipe({ verb: "wipe", folder: home }, entries, (line) => left.push(line));
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
  await expect(unpacked(archive.subarray(0, 2000))).rejects.toThrow("cut off");
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
  expect(() => entryOf('{"path":"x"}')).toThrow("none of ours");
  expect(() => entryOf("not even that")).toThrow("none of ours");
  expect(firstOf(["a", "b", "c"], 2)).toBe("a; b; and 1 more");
});
