/** Files that a service has to reload: a service never keeps what it knew of a file that was changed since. */

import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import { says } from "../../../../agent/lib/converge.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { reloadOnChange } from "../../../../agent/root/services/reload-on-change.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const FILE = { path: "/etc/ssh/sshd_config.d/ours.conf", text: "MaxStartups 100\n", mode: 0o644 };

/** A host, and what its service has loaded so far. */
function host() {
  const { sys, files } = memoryDoor();
  const changedAtMs = new Map<string, number>();
  let nowMs = 1;
  const write = (path: string, text: string) => {
    files.set(path, text);
    changedAtMs.set(path, nowMs++);
  };
  const look = (path: string) =>
    files.has(path)
      ? ({ isFile: () => true, mode: 0o644, uid: 0, gid: 0, ctimeMs: changedAtMs.get(path) } as Stats)
      : undefined;
  const loaded: (string | undefined)[] = [];
  const machine = machineOf({ ...sys, look, replaceFile: (path, { bytes }) => write(path, bytes.toString()) });
  const step = reloadOnChange(machine, {
    ...{ name: "sshd", key: "sshd", files: [FILE], filePoint: "base-file", loadPoint: "base-sshd-reload" },
    loadSays: says("reload", "sshd's configuration"),
    load: async () => loaded.push(files.get(FILE.path)),
  });
  /** @param steps how many before the run is killed */
  const run = async (steps = Number.POSITIVE_INFINITY) => {
    const changes = await step.differences();
    for (const { apply } of changes.slice(0, steps)) await apply();
    return changes.length;
  };
  return { run, loaded, write, files };
}

test("a file that was taken away or changed is loaded once it is back, by the run after one that was killed too", async () => {
  const { run, loaded, write, files } = host();
  expect(await run()).toBe(2);
  for (const damage of [() => files.delete(FILE.path), () => write(FILE.path, "MaxStartups 1\n")]) {
    loaded.length = 0;
    damage();
    expect(await run(1)).toBe(2);
    expect([files.get(FILE.path), loaded]).toEqual([FILE.text, []]);
    expect(await run()).toBe(1);
    expect(loaded).toEqual([FILE.text]);
    expect(await run()).toBe(0);
  }
});

test("what an earlier version has loaded is not loaded again, unless a file was changed after that", async () => {
  const { run, loaded, write, files } = host();
  await run();
  const memory = [...files.keys()].find((path) => path.includes("/loaded/")) ?? "";
  const former = createHash("sha256")
    .update(JSON.stringify([FILE]))
    .digest("hex");
  write(memory, former);
  expect(await run()).toBe(0);
  write(FILE.path, FILE.text);
  expect([await run(), loaded.length]).toEqual([1, 2]);
});

test("a file that somebody put back meanwhile is loaded, since what runs may know another one", async () => {
  const { run, loaded, write } = host();
  await run();
  write(FILE.path, FILE.text);
  expect(await run()).toBe(1);
  expect(loaded).toEqual([FILE.text, FILE.text]);
});
