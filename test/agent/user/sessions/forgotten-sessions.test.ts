/** Tests a user's own list of forgotten sessions, in a real folder and with real locks. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetSessions } from "../../../../agent/user/sessions/forget-sessions.ts";
import { offerAgain, readForgotten, rememberForgotten } from "../../../../agent/user/sessions/forgotten-sessions.ts";
import { holdingLock } from "../../../../agent/user/sessions/hold-lock.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "forgotten-"));
});
afterEach(() => rmSync(home, { recursive: true }));
const folder = () => join(home, ".local/state/workstation");
const file = () => join(folder(), "forgotten-sessions.json");

test("names of any text are kept, the later time counts, and the undo takes exactly those away", async () => {
  const names = ["dev", "__proto__", 'n "q" ü', "-x"];
  await rememberForgotten(home, names, 1000);
  await rememberForgotten(home, ["dev"], 2000);
  expect(readForgotten(home)).toEqual(
    new Map([
      ["__proto__", 1000],
      ['n "q" ü', 1000],
      ["-x", 1000],
      ["dev", 2000],
    ]),
  );
  expect(await offerAgain(home, ["dev", "never", "-x"])).toEqual(["dev", "-x"]);
  expect([...readForgotten(home).keys()]).toEqual(["__proto__", 'n "q" ü']);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test("an undo of what was not forgotten writes nothing", async () => {
  expect(await offerAgain(home, ["dev"])).toEqual([]);
  expect(() => statSync(folder())).toThrow("ENOENT");
});

test("two who change it at once lose nothing of each other", async () => {
  await Promise.all(["a", "b", "c", "d"].map((name, at) => rememberForgotten(home, [name], at)));
  expect([...readForgotten(home).keys()].sort()).toEqual(["a", "b", "c", "d"]);
});

test("it is bounded, and the oldest entries are offered again", async () => {
  const many = Array.from({ length: 600 }, (_, at) => `s${at}`);
  await rememberForgotten(home, many.slice(0, 300), 1);
  await rememberForgotten(home, many.slice(300), 2);
  const kept = readForgotten(home);
  expect([kept.size, kept.has("s599"), kept.has("s0")]).toEqual([500, true, false]);
  await rememberForgotten(
    home,
    Array.from({ length: 40 }, (_, at) => `${at}${"x".repeat(16_000)}`),
    3,
  );
  expect(readFileSync(file()).length).toBeLessThan(132_000);
  expect(readForgotten(home).size).toBeGreaterThan(5);
});

test.each([
  ["text", "{"],
  ["another version", '{"version":2,"forgotten":[]}'],
  ["an entry without a time", '{"version":1,"forgotten":[{"name":"a"}]}'],
  ["no list", '{"version":1,"forgotten":{}}'],
])("a damaged file (%s) is an error that says what to do, and never an empty list", (_, text) => {
  mkdirSync(folder(), { recursive: true });
  writeFileSync(file(), text);
  expect(() => readForgotten(home)).toThrow(/forgotten-sessions\.json must be .* remove it/);
});

test("a link in its place is not followed", () => {
  mkdirSync(folder(), { recursive: true });
  symlinkSync("/etc/passwd", file());
  expect(() => readForgotten(home)).toThrow("is a symbolic link");
  rmSync(file());
  mkdirSync(file());
  chmodSync(file(), 0o700);
  expect(() => readForgotten(home)).toThrow("is a directory");
});

const tmux = (...running: readonly string[]): Tmux => ({
  hasSocket: () => true,
  ask: () => Promise.resolve(running.join("\n")),
  try: () => Promise.reject(new Error("not in this test")),
});

test("a session that runs is not forgotten, by its exact name", async () => {
  const done = await forgetSessions(tmux("dev", "other"), { uid: 1, home }, ["dev", "de", "de"], 7);
  expect(done).toEqual({ forgotten: ["de"], running: ["dev"] });
  expect(readForgotten(home)).toEqual(new Map([["de", 7]]));
});

test("two who hold one lock do so one after the other, and a lock that is not free in time is an error", async () => {
  const log: string[] = [];
  const hold = (name: string) =>
    holdingLock(home, async () => {
      log.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      log.push(`${name} out`);
    });
  await Promise.all([hold("a"), hold("b")]);
  expect([log[1], log[3]]).toEqual([log[0]?.replace("in", "out"), log[2]?.replace("in", "out")]);
  await holdingLock(home, () =>
    expect(holdingLock(home, () => Promise.resolve(), 0)).rejects.toThrow("is locked: another restore"),
  );
  await expect(holdingLock(home, () => Promise.reject(new Error("failed inside")))).rejects.toThrow("failed inside");
  expect(await holdingLock(home, () => Promise.resolve("free again"), 0)).toBe("free again");
  await expect(holdingLock(`${home}/none`, () => Promise.resolve())).rejects.toThrow("could not be locked");
});
