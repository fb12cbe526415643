/** Tests that what cannot be read of a user's transcripts is told from what is not there, in real folders. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { missingTranscript, transcriptsOf } from "../../../../agent/user/sessions/find-transcripts.ts";
import { readOrNote, type Unread } from "../../../../agent/user/home/unread-paths.ts";

const id = (n: number) => `6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a0${n}`;
const DIRECTORY = "/home/ana/code";

let assistant: string;
let folder: string;
beforeEach(() => {
  assistant = mkdtempSync(join(tmpdir(), "transcripts-"));
  folder = join(assistant, "projects/-home-ana-code");
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(assistant, { recursive: true }));
const write = (n: number, text = JSON.stringify({ cwd: DIRECTORY })) =>
  writeFileSync(join(folder, `${id(n)}.jsonl`), `${text}\n`);

test("a transcript is there or gone, also where the assistant has no folder", () => {
  write(1);
  expect(missingTranscript(assistant, DIRECTORY, id(1))).toBeUndefined();
  expect(missingTranscript(assistant, DIRECTORY, id(2))).toBe("is gone");
  expect(missingTranscript("/nowhere", DIRECTORY, id(1))).toBe("is gone");
  expect(transcriptsOf("/nowhere", DIRECTORY)).toEqual({ seen: { transcripts: [], written: new Map() } });
});

test.each([
  ["a loop of links", "ELOOP", () => join(assistant, "loop")],
  ["a name longer than any", "ENAMETOOLONG", () => `/${"x".repeat(300)}`],
])("a folder that leads into %s cannot be read, and is no folder without transcripts", (_, code, elsewhere) => {
  symlinkSync("loop", join(assistant, "loop"));
  const path = `${elsewhere()}/projects/-home-ana-code`;
  expect(transcriptsOf(elsewhere(), DIRECTORY).folder).toEqual({ path, code });
  expect(missingTranscript(elsewhere(), DIRECTORY, id(1))).toBe(`cannot be read (${code})`);
  // A longer key is looked for among all folders.
  const deep = `/home/ana/${"d".repeat(250)}`;
  expect(transcriptsOf(elsewhere(), deep).folder).toEqual({ path: `${elsewhere()}/projects`, code });
  expect(missingTranscript(elsewhere(), deep, id(1))).toBe(`cannot be read (${code})`);
});

test("one transcript that cannot be read leaves the others known, and none of them the only one of its time", () => {
  write(1);
  symlinkSync(`${id(2)}.jsonl`, join(folder, `${id(2)}.jsonl`));
  const found = transcriptsOf(assistant, DIRECTORY);
  // It is there, and nothing tells when it was written.
  expect([...found.seen.written]).toEqual([
    [id(2), 0],
    [id(1), expect.any(Number)],
  ]);
  expect([found.seen.transcripts, found.folder]).toEqual([[], undefined]);
  expect(found.transcript).toEqual({ path: join(folder, `${id(2)}.jsonl`), code: "ELOOP" });
});

test("a transcript that tells a damaged directory is nobody's, and keeps no other from being found", () => {
  write(1);
  write(2, String.raw`{"cwd":"/home\x"}`);
  const { transcripts } = transcriptsOf(assistant, DIRECTORY).seen;
  expect(transcripts.map((one) => one.id)).toEqual([id(1)]);
});

test.each(["EACCES", "EPERM", "EIO", "ESTALE", "ENOTCONN"])("%s is noted with its path", (code) => {
  const unread: Unread[] = [];
  const failing = () => {
    throw Object.assign(new Error(code), { code });
  };
  expect(readOrNote("/mnt/a", unread, failing)).toBeUndefined();
  expect(unread).toEqual([{ path: "/mnt/a", code }]);
});

test("what is not there is not noted, and what is no error of the system passes through", () => {
  const unread: Unread[] = [];
  const failing = (code: string) => () => {
    throw Object.assign(new TypeError(code), { code });
  };
  for (const code of ["ENOENT", "ENOTDIR"]) expect(readOrNote("/a", unread, failing(code))).toBeUndefined();
  expect(() => readOrNote("/a", unread, failing("ERR_INVALID_ARG_VALUE"))).toThrow("ERR_INVALID_ARG_VALUE");
  expect(unread).toEqual([]);
});
