/** What is saved in the very moment of an update comes back: the moment is made here by a file that stays open over it. */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { run } from "../../../../agent/lib/exec.ts";
import { changedFiles } from "../../../../agent/user/clones/changed-files.ts";
import { openJournal } from "../../../../agent/user/clones/update-journal.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

/** A clone whose upstream changes `readme` and takes `deep/old` away. */
function behind(): string {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; mkdir deep; echo hello > readme; echo old > deep/old; git add -A; git commit -qm one; git clone -q . ../code
echo theirs > readme; git rm -q deep/old; git commit -qam two; cd ../code; git fetch -q`);
  return join(real.home, "code");
}

/** Killed behind the update, before anybody looked at what had been put aside; the person wrote in between. */
async function brokenOff(clone: string, path: string): Promise<void> {
  const open = openSync(join(clone, path), "r+");
  const [from = "", to = ""] = real.sh("cd code; git rev-parse HEAD origin/master").split("\n");
  const files = await changedFiles(real.place, clone, from, to);
  if ("argv" in files) throw new Error(files.stderr);
  openJournal(clone, from, to, [...files, { path: "never/there", replaces: true }]);
  real.sh("cd code; git merge -q --ff-only origin/master");
  writeSync(open, "mine, not yet committed\n");
  closeSync(open);
}

test("what was written to a file after git had looked at it is in its place again, and the clone says so", async () => {
  const clone = behind();
  await brokenOff(clone, "readme");
  expect(readFileSync(join(clone, "readme"), "utf8")).toBe("theirs\n");
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
  expect(readFileSync(join(clone, "readme"), "utf8")).toBe("mine, not yet committed\n");
  expect(real.warned).toEqual(["~/code/readme was written to during the update: it is as it was written"]);
  expect([real.sh("cd code; git status --porcelain"), existsSync(join(clone, "deep"))]).toEqual(["M readme", false]);
});

test("of a file that the update took away, with its directory, what was written last comes back too", async () => {
  const clone = behind();
  await brokenOff(clone, "deep/old");
  await fastForwardChanges(real.place, clone, new Set());
  expect(readFileSync(join(clone, "deep/old"), "utf8")).toBe("mine, not yet committed\n");
});

test("where the person has written anew since, both are kept", async () => {
  const clone = behind();
  await brokenOff(clone, "readme");
  writeFileSync(join(clone, "readme"), "mine, later\n");
  await fastForwardChanges(real.place, clone, new Set());
  expect(readFileSync(join(clone, "readme"), "utf8")).toBe("mine, later\n");
  expect(readFileSync(join(clone, "readme.kept-1"), "utf8")).toBe("mine, not yet committed\n");
});

test("a file that was restored beside its place before is never replaced by the next one", async () => {
  const clone = behind();
  writeFileSync(join(clone, "readme.kept-1"), "mine, of an earlier update\n");
  await brokenOff(clone, "readme");
  writeFileSync(join(clone, "readme"), "mine, later\n");
  await fastForwardChanges(real.place, clone, new Set());
  expect(readFileSync(join(clone, "readme.kept-1"), "utf8")).toBe("mine, of an earlier update\n");
  expect(readFileSync(join(clone, "readme.kept-1-2"), "utf8")).toBe("mine, not yet committed\n");
  expect(real.warned).toContain("~/code/readme.kept-1-2 was written to during the update: it is as it was written");
});

test("what was written last is not restored behind a link to another directory, but beside it", async () => {
  const clone = behind();
  await brokenOff(clone, "deep/old");
  real.sh("mkdir elsewhere; echo theirs > elsewhere/old; ln -s ../elsewhere code/deep");
  await fastForwardChanges(real.place, clone, new Set());
  expect(real.sh("cat elsewhere/old; ls elsewhere; cat code/deep-old.kept-0; readlink code/deep")).toBe(
    "theirs\nold\nmine, not yet committed\n../elsewhere",
  );
});

test("a file far below, whose path is longer than a name may be, is restored beside it all the same", async () => {
  real = realHome();
  const far = `${"d".repeat(120)}/${"e".repeat(120)}/${"f".repeat(120)}`;
  real.sh(`git init -q -b master up; cd up; mkdir -p ${far}; echo hello > ${far}/readme; git add -A; git commit -qm one; git clone -q . ../code
echo theirs > ${far}/readme; git commit -qam two; cd ../code; git fetch -q`);
  const clone = join(real.home, "code");
  await brokenOff(clone, `${far}/readme`);
  writeFileSync(join(clone, far, "readme"), "mine, later\n");
  await fastForwardChanges(real.place, clone, new Set());
  expect(real.sh(`cat code/*.kept-0 code/${far}/readme`)).toBe("mine, not yet committed\nmine, later");
});

test("an update in which nobody writes leaves nothing behind and says nothing", async () => {
  const clone = behind();
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBeUndefined();
  expect([real.warned, real.sh("cd code; git status --porcelain; ls .git | grep -c kept || true")]).toEqual([[], "0"]);
  expect(readFileSync(join(clone, "readme"), "utf8")).toBe("theirs\n");
});

test("a file that the update removes and git cannot delete is named, since git alone ends well", async () => {
  const clone = behind();
  real.sh("chmod 555 code/deep");
  const { git } = real.place;
  // Root could delete it all the same.
  const bounded: typeof git = {
    ...git,
    run: (args, how) =>
      args.includes("merge") && process.getuid?.() === 0
        ? run(["setpriv", "--bounding-set=-dac_override", "git", "-C", clone, ...args], {
            timeoutMs: 10_000,
            env: { PATH: "/usr/bin:/bin", HOME: real.home },
          })
        : git.run(args, how),
  };
  const [change] = await fastForwardChanges({ ...real.place, git: bounded }, clone, new Set());
  expect(await change?.apply()).toBeUndefined();
  expect(real.warned).toEqual([
    "~/code/deep/old is removed by the update, but could not be deleted: it stays, untracked",
  ]);
  expect(real.sh("cd code; git status --porcelain -uall; chmod 755 deep")).toBe("?? deep/old");
});

test("an update whose files git cannot tell is not made, and that is told", async () => {
  const clone = behind();
  const { git } = real.place;
  const blind: typeof git = {
    ...git,
    run: (args, how) => git.run(args[0] === "diff-tree" ? ["diff-tree", "nowhere"] : args, how),
  };
  const [change] = await fastForwardChanges({ ...real.place, git: blind }, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned).toEqual([expect.stringContaining("~/code was not updated, and is as it was before: ")]);
  expect(readFileSync(join(clone, "readme"), "utf8")).toBe("hello\n");
});

test("a list of what was put aside that is damaged is told, and nothing of it is thrown away", async () => {
  const clone = behind();
  await brokenOff(clone, "readme");
  writeFileSync(join(clone, ".git/workstation-kept/files.json"), "[{");
  await expect(fastForwardChanges(real.place, clone, new Set())).rejects.toThrow(
    /files\.json is damaged: look through/,
  );
  expect(existsSync(join(clone, ".git/workstation-kept/1"))).toBe(true);
});
