/** What is waited for and what is read, both bounded: a lock that is never given back, a directory without end. */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import type { Machine } from "../../agent/root/system/cached-accounts-and-units.ts";
import { runShadowUtility } from "../../agent/root/accounts/shadow-utils.ts";
import { conversationsOf } from "../../agent/user/home/conversation-links.ts";
import { realHome } from "./user/clones/real-clone.ts";

afterEach(() => void vi.useRealTimers());

/** A machine whose account tools say that somebody holds the lock, for so many tries. */
function lockedMachine(tries: number) {
  const seen: string[] = [];
  let left = tries;
  const run = async (argv: readonly string[]) => {
    seen.push(argv.join(" "));
    left -= 1;
    const stderr = "groupadd: cannot lock /etc/group; try again later.";
    return { argv, code: left < 0 ? 0 : 10, stdout: "", stderr, timedOut: false, overflowed: false };
  };
  return { m: { sys: { run } } as unknown as Machine, seen };
}

/** How long it took on a clock of its own, and how it ended. */
async function clocked(act: () => Promise<void>) {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const beganMs = performance.now();
  let ended: { ms: number; why: string } | undefined;
  const end = (error?: unknown) => {
    ended = { ms: performance.now() - beganMs, why: error instanceof Error ? error.message : "done" };
  };
  act().then(() => end(), end);
  while (ended === undefined) await vi.advanceTimersByTimeAsync(500);
  return ended;
}

test("a lock on the accounts that is given back within half a minute costs the wait and nothing else", async () => {
  const { m, seen } = lockedMachine(20);
  const { ms, why } = await clocked(() => runShadowUtility(m, ["useradd"]));
  expect([why, seen.length]).toEqual(["done", 21]);
  expect(ms).toBeLessThan(22_000);
});

test("one that is held longer is told, and is waited for once a run, not once a person", async () => {
  const { m, seen } = lockedMachine(10_000);
  const first = await clocked(() => runShadowUtility(m, ["useradd", "one"]));
  expect(first.why).toContain("cannot lock /etc/group");
  expect(first.ms).toBeGreaterThanOrEqual(30_000);
  expect(first.ms).toBeLessThan(32_000);
  const tries = seen.length;
  const second = await clocked(() => runShadowUtility(m, ["useradd", "two"]));
  expect([second.why, seen.length - tries]).toEqual([expect.stringContaining("cannot lock"), 1]);
  expect(second.ms).toBeLessThan(1000);
});

test("of a directory of conversations without end only so much is read, and odd names are names", () => {
  const real = realHome();
  const projects = `${real.home}/.claude/projects`;
  mkdirSync(projects, { recursive: true });
  for (const name of ["a\nb", "a\tb", "$(touch x)", "'\"", "-x"]) mkdirSync(`${projects}/${name}`);
  real.sh("cd .claude/projects; seq 6000 | xargs touch");
  mkdirSync(`${projects}/-x-code`);
  writeFileSync(`${projects}/-x-code/1.jsonl`, '{"cwd":"/x/code"}');
  const began = process.cpuUsage();
  const links = conversationsOf(real.place, "/x/code", "/x/code/infra", []);
  const { user, system } = process.cpuUsage(began);
  real.remove();
  expect(links.length).toBeLessThanOrEqual(1);
  expect((user + system) / 1000).toBeLessThan(200);
});
