/** One update of a clone at a time, by whichever process: real processes and the locks of the real kernel. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../../agent/lib/exec.ts";
import { lockClone } from "../../../../agent/user/clones/lock-clone.ts";

const MODULE = new URL("../../../../agent/user/clones/lock-clone.ts", import.meta.url).pathname;

let clone: string;
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "workstation-lock-"));
  mkdirSync(join(clone, ".git"));
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

/** Another process that runs this in a module in which `lock` is what it got, and `clone` the path. */
const another = (script: string) =>
  spawn(
    process.execPath,
    [
      ...["--import", "tsx", "--input-type=module", "-e"],
      `import { lockClone } from ${JSON.stringify(MODULE)}; const clone = ${JSON.stringify(clone)}; ${script}`,
    ],
    { stdio: ["pipe", "pipe", "inherit"], cwd: new URL("../../../..", import.meta.url) },
  );

test("a second lock is refused until the first is released, and nothing is left behind", () => {
  const first = lockClone(clone);
  expect(lockClone(clone)).toBeUndefined();
  first?.release();
  const second = lockClone(clone);
  expect(second).toBeDefined();
  second?.release();
  expect(readdirSync(join(clone, ".git"))).toEqual([]);
});

test("a process that is killed holds no lock any more", async () => {
  const holder = another("console.log(lockClone(clone) === undefined); setInterval(() => {}, 1000);");
  expect(String((await once(holder.stdout, "data"))[0])).toBe("false\n");
  expect(lockClone(clone)).toBeUndefined();
  holder.kill("SIGKILL");
  await once(holder, "close");
  const lock = lockClone(clone);
  expect(lock).toBeDefined();
  lock?.release();
});

test("a program that inherited the lock holds it when the process that took it has been killed", async () => {
  const program = `import { spawn } from "node:child_process"; const lock = lockClone(clone);
    const child = spawn("/bin/sleep", ["60"], { detached: true, stdio: ["ignore", "ignore", "ignore", lock.fd] });
    console.log(child.pid); setInterval(() => {}, 1000);`;
  const holder = another(program);
  const pid = Number(String((await once(holder.stdout, "data"))[0]));
  try {
    holder.kill("SIGKILL");
    await once(holder, "close");
    expect(lockClone(clone)).toBeUndefined();
  } finally {
    process.kill(pid, "SIGKILL");
  }
  await expect.poll(() => lockClone(clone)?.release() ?? existsSync(join(clone, ".git/workstation-lock"))).toBe(false);
});

test("of several processes that take and release it all the time never two have it at once", async () => {
  // Whoever has the lock makes a folder that must not be there, and takes it away again.
  const loop = `import { mkdirSync, rmdirSync } from "node:fs"; let had = 0;
    for (const until = Date.now() + 3000; Date.now() < until; ) {
      const lock = lockClone(clone);
      if (lock === undefined) continue;
      mkdirSync(clone + "/mine"); rmdirSync(clone + "/mine"); lock.release(); had += 1;
    }
    console.log(had);`;
  const counts = await Promise.all(
    [1, 2, 3].map(async () => {
      const one = another(loop);
      const [[first], [code]] = await Promise.all([once(one.stdout, "data"), once(one, "exit")]);
      return [Number(String(first)), code];
    }),
  );
  expect(counts).toEqual([1, 2, 3].map(() => [expect.any(Number), 0]));
  expect(Math.min(...counts.map(([had]) => Number(had)))).toBeGreaterThan(0);
});

test("a link in the place of the lock is not followed", () => {
  const elsewhere = join(clone, "elsewhere");
  symlinkSync(elsewhere, join(clone, ".git/workstation-lock"));
  expect(() => lockClone(clone)).toThrow(/ELOOP/);
  expect(existsSync(elsewhere)).toBe(false);
});

test("a lock whose file was removed by somebody takes no other one's file along", () => {
  const first = lockClone(clone);
  rmSync(join(clone, ".git/workstation-lock"));
  const second = lockClone(clone);
  first?.release();
  expect(second).toBeDefined();
  expect(lockClone(clone)).toBeUndefined();
  second?.release();
});

test("a program of ours gets the open file as its descriptor 3", async () => {
  const lock = lockClone(clone);
  const ran = await run(["/bin/readlink", "/proc/self/fd/3"], { timeoutMs: 10_000, holds: lock?.fd ?? -1 });
  lock?.release();
  expect(ran.stdout.trim()).toBe(join(clone, ".git/workstation-lock"));
});
