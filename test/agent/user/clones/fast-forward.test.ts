/** A fast-forward against a person who works in the same clone at the same moment: nothing of theirs is ever lost. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { realHome } from "./real-clone.ts";

const RUNS = 100;

const CHANGES = "changes a file that the update changes too";
const BRINGS = "makes a file that the update brings";

/** What the person does, a little later in each run: the file that the update brings, in their own words, saved or committed. */
const WORK = {
  // What is written to a file that git has made and not yet filled is lost (docs/security.md), so they note which file it was.
  [CHANGES]: "exec 3> readme; stat -L -c %i /proc/self/fd/3 > ../written; echo mine >&3",
  // Before or after the update: in the millisecond between git's look and its writing such a file is lost (docs/security.md).
  [BRINGS]: "echo mine > new",
  commits: "echo mine > other; git add other; git commit -qm mine",
} as const;

test("whatever its person does between the look and the update, their work is there afterwards, in 100 runs", async () => {
  const real = realHome();
  try {
    real.sh(`git init -q -b master up; cd up; echo hello > readme; git add -A; git commit -qm one; git clone -q . ../code
echo theirs > readme; echo theirs > new; git add -A; git commit -qm two; cd ../code; git fetch -q; git rev-parse HEAD > ../start`);
    const seen = { updated: 0, refused: 0 };
    const works = Object.entries(WORK);
    const identity = {
      GIT_AUTHOR_NAME: "t",
      GIT_AUTHOR_EMAIL: "t@x",
      GIT_COMMITTER_NAME: "t",
      GIT_COMMITTER_EMAIL: "t@x",
    };
    const env = { PATH: "/usr/bin:/bin", HOME: real.home, ...identity };
    for (let run = 0; run < RUNS; run += 1) {
      real.sh(
        'cd code; git checkout -q -f master; git reset -q --hard "$(cat ../start)"; git clean -qfd; rm -f .git/index.lock',
      );
      const [what, work] = works[run % works.length] ?? ["", ""];
      const [change] = await fastForwardChanges(real.place, `${real.home}/code`, new Set());
      if (change === undefined) throw new Error("there is nothing to update");
      // Their move comes before, in the midst of and after the update, from run to run.
      const move = async () => {
        const script = `sleep 0.0${String((run * 7) % 10)}; cd code; ${work}`;
        const [code] = await once(spawn("/bin/sh", ["-c", script], { cwd: real.home, env, stdio: "ignore" }), "exit");
        return code as unknown;
      };
      const [code, outcome] = await (what !== BRINGS
        ? Promise.all([move(), change.apply()])
        : run % 2 === 0
          ? [await move(), await change.apply()]
          : [await change.apply(), await move()].reverse());
      seen[outcome === "not done" ? "refused" : "updated"] += 1;
      // A commit may find the index locked by the update: then git has told the person, and their file is still there.
      const kept = real.sh(
        'cd code; cat readme new other 2>/dev/null | grep -c mine || true; git log --all --format=%s | grep -c "^mine$" || true',
      );
      const isWithGit = what === CHANGES && outcome !== "not done" && real.sh("cat written; stat -c %i code/readme");
      const [wrote, stands] = isWithGit === false ? ["", "nowhere"] : isWithGit.split("\n");
      expect([run, code, kept.split("\n")[0]]).toEqual([run, code, wrote === stands ? expect.any(String) : "1"]);
      if (code === 0 && work.includes("commit")) expect([run, kept.split("\n")[1]]).toEqual([run, "1"]);
      expect(real.sh("cd code; git fsck --no-dangling 2>&1 | grep -v notice || true")).toBe("");
    }
    // Both ends of the race have been seen, or it was none.
    expect(Math.min(seen.updated, seen.refused)).toBeGreaterThan(0);
  } finally {
    real.remove();
  }
}, 600_000);
