/** The lock between runs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../lab/lock.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(() => rm(dir, { recursive: true }));

test("whoever waits is told who holds the lock, and gets it afterwards", async () => {
  const path = join(dir, "lock");
  const order: string[] = [];
  const first = withLock(path, { what: "building etcd", withinMs: 0 }, async () => {
    await sleep(300);
    order.push("first");
  });
  await sleep(100);
  let holder = "";
  await withLock(path, { what: "building vault", withinMs: 5_000, onWait: (who) => (holder = who) }, async () => {
    order.push("second");
  });
  await first;
  expect(order).toEqual(["first", "second"]);
  expect(holder).toBe(`building etcd (process ${process.pid})`);
});

test("a lock that is not free in time is an error that names its holder", async () => {
  const path = join(dir, "lock");
  let end: () => void = () => undefined;
  const held = withLock(
    path,
    { what: "building etcd", withinMs: 0 },
    () => new Promise<void>((resolve) => (end = resolve)),
  );
  await sleep(100);
  const waiting = withLock(path, { what: "building vault", withinMs: 200 }, async () => "never");
  await expect(waiting).rejects.toThrow(
    /building vault: waited 0.2 s for .*, which is held by building etcd \(process \d+\)/,
  );
  end();
  await held;
});

test("a lock is free again when what was done under it fails", async () => {
  const path = join(dir, "lock");
  const failing = withLock(path, { what: "failing", withinMs: 0 }, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(await withLock(path, { what: "again", withinMs: 0 }, async () => "free")).toBe("free");
});
