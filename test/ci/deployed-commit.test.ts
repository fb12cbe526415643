import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deployedCommit, recordAttempt, unfinishedDeployment } from "../../ci/deployed-commit.ts";
import type { StackAt } from "../../ci/engine.ts";

const [OLD, NEW] = ["a".repeat(40), "b".repeat(40)] as const;
const update = (result: string, head: string | undefined, message = "x", kind = "update") => ({
  ...{
    kind,
    result,
    message,
    startTime: "2026-11-22T12:00:00.000Z",
    environment: head === undefined ? {} : { "git.head": head },
  },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deployed-"));
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
});
afterEach(() => vi.unstubAllEnvs());

/** A `pulumi` whose history is this, the newest first. */
function history(...updates: readonly object[]) {
  writeFileSync(join(folder, "history.json"), JSON.stringify(updates));
  writeFileSync(join(folder, "tag.json"), "{}");
  writeFileSync(
    join(folder, "pulumi"),
    `#!/bin/sh\nset -e\n[ "$3" != set ] || printf '{"%s":"%s"}' "$4" "$5" > ${folder}/tag.json\ncat ${folder}/$2.json\n`,
  );
  chmodSync(join(folder, "pulumi"), 0o755);
  return { stack: "organization/workstation/prod", folder };
}

test("the deployed commit is the engine's own of the last update that succeeded, whatever titles say", async () => {
  const title = `${NEW} pushed by wizard`;
  const at = history(update("failed", NEW), update("succeeded", NEW, "x", "refresh"), update("succeeded", OLD, title));
  expect(await deployedCommit(at)).toBe(OLD);
});

test.each([
  ["no commit", undefined, /recorded no commit/],
  ["a short name", "feed", /not a commit's full hash/],
])("an update for which the engine recorded %s is no deployed commit", async (_what, head, message) => {
  await expect(deployedCommit(history(update("succeeded", head)))).rejects.toThrow(message);
});

test.each(["succeeded", "failed"])(
  "after an update that %s with changes in no commit, no pipeline takes them back",
  async (result) => {
    const made = update(result, NEW);
    const dirty = { ...made, environment: { ...made.environment, "git.dirty": "true" } };
    const at = history(dirty, update("succeeded", OLD));
    const looks = Promise.all([deployedCommit(at), unfinished(at)]);
    await expect(looks).rejects.toThrow(/with changes or files that are in no commit/);
  },
);

test("a stack that no update of ever succeeded was never deployed", async () => {
  await expect(deployedCommit(history(update("failed", NEW)))).rejects.toThrow("was never deployed");
});

const unfinished = (at: StackAt) => unfinishedDeployment(at, async () => false);

test("a newest update that failed names its commit: part of it may be in effect", async () => {
  expect(await unfinished(history(update("failed", NEW), update("succeeded", OLD)))).toEqual({
    commit: NEW,
    hasEnded: true,
  });
  expect(await unfinished(history(update("succeeded", OLD), update("failed", NEW)))).toBeUndefined();
  expect(await unfinished(history())).toBeUndefined();
});

test("a deployment that was killed, and so left no entry in the history, is known by the attempt that its pipeline recorded", async () => {
  const at = history(update("succeeded", OLD));
  await recordAttempt(at, NEW);
  expect(await unfinished(at)).toEqual({ commit: NEW, hasEnded: false });
  // What is deployed contains it: somebody else's deployment was waited for, and brought it along.
  expect(await unfinishedDeployment(at, async (commit) => commit === NEW)).toBeUndefined();
  // An admin deployed the older commit again, by hand: nothing is left of the attempt.
  history({ ...update("succeeded", OLD), startTime: new Date(Date.now() + 60_000).toISOString() });
  await recordAttempt(at, NEW);
  expect(await unfinished(at)).toBeUndefined();
});
