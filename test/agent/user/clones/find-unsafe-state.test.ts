/** A clone that is in the middle of something is left as it is, and the sentence names what: real git, real operations. */
import { afterEach, expect, test } from "vitest";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

/** A clone that is one commit behind, with two branches whose changes of `a` conflict with master's. */
function behind(): string {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; echo hello > a; echo hello > b; echo c > c; git add -A; git commit -qm zero
echo one > a; git commit -qam one; git checkout -qb side HEAD~1; echo side > a; git commit -qam side; echo more > a; git commit -qam more
git checkout -q master; cd ..; git clone -q up code; cd code; git branch -q side origin/side; cd ../up
echo theirs > b; git rm -q c; echo new > new; git add -A; git commit -qm two; cd ../code; git fetch -q`);
  return `${real.home}/code`;
}

/** The clone as its person sees it, and every file that git keeps of an operation. */
const state = () =>
  real.sh(
    "cd code; git status --porcelain=v1 --branch; git rev-parse HEAD; git ls-files -v; cat a b c 2>&1; ls .git | grep -v index; cat .git/ORIG_HEAD 2>&1 || true",
  );

test.each([
  ["a rebase", "git rebase -q side 2>/dev/null || true"],
  ["a rebase", "GIT_SEQUENCE_EDITOR='sed -i 1ibreak' git rebase -q -i HEAD~1 >/dev/null 2>&1"],
  ["a rebase", "git rebase -q --apply side 2>/dev/null || true"],
  ["git am", "git format-patch -q -1 side --stdout > ../p; git am -q ../p 2>/dev/null || true"],
  ["a merge", "git merge -q -s ours --no-commit side"],
  ["a cherry-pick", "git cherry-pick side~1 2>/dev/null || git checkout -q HEAD -- a"],
  ["a revert", "git revert side~1 2>/dev/null || git checkout -q HEAD -- a"],
  ["several cherry-picks or reverts", "git cherry-pick side~1 side >/dev/null 2>&1 || git reset -q --hard"],
  ["a bisection", "git bisect start -q >/dev/null"],
])("a clone that is in the middle of %s is left as it is", async (operation, begin) => {
  const clone = behind();
  real.sh(`cd code; ${begin}`);
  const before = state();
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
  expect(real.warned).toEqual([
    expect.stringMatching(
      new RegExp(`^~/code is in the middle of ${operation}, so it is not updated( \\(behind 1\\))?$`),
    ),
  ]);
  expect(state()).toBe(before);
});

test.each([
  ["has conflicts that are not resolved, in a", "git checkout -q HEAD~1; echo x > a; git checkout -q -m master"],
  ["has files that git add has only announced (--intent-to-add), mine", "echo m > mine; git add -N mine"],
  ["has uncommitted changes", "echo m > mine; git add -N mine; echo x > a"],
  [
    "has uncommitted changes",
    "git config core.trustctime false; git config core.checkStat minimal; touch -d 2020-01-01 b; git update-index --refresh; sleep 1.1; echo minee > b; touch -d 2020-01-01 b",
  ],
  [
    "has its files in another directory (core.worktree)",
    "mkdir ../elsewhere; cp a b c ../elsewhere; git config core.worktree ../../elsewhere; git update-index -q --refresh",
  ],
])("a clone that %s is left as it is", async (says, begin) => {
  const clone = behind();
  real.sh(`cd code; ${begin}`);
  const before = state();
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
  expect(real.warned).toEqual([`~/code ${says}, so it is not updated (behind 1)`]);
  expect(state()).toBe(before);
});

test.each([
  ["--assume-unchanged", "b", "git update-index --assume-unchanged b; echo mine > b"],
  ["--skip-worktree", "b", "git update-index --skip-worktree b; echo mine > b"],
  ["--skip-worktree", "c", "git update-index --skip-worktree c; echo mine > c"],
  ["both", "c", "git update-index --skip-worktree c; git update-index --assume-unchanged c; echo mine > c"],
])("a change that %s hides from git status stays, and its file is named", async (_, path, begin) => {
  const clone = behind();
  real.sh(`cd code; ${begin}`);
  const before = state();
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned).toEqual([
    `~/code was not updated, and is as it was before: ${path}, which the update replaces, has changes that git status does not show: it is marked --assume-unchanged or --skip-worktree`,
  ]);
  expect(state()).toBe(before);
});

test("a hidden change of a file that the update does not touch keeps nothing from being updated, and stays", async () => {
  const clone = behind();
  real.sh("cd code; git update-index --skip-worktree a; echo mine > a");
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBeUndefined();
  expect(real.sh("cd code; cat a b; git ls-files -v a; git log -1 --format=%s")).toBe("mine\ntheirs\nS a\ntwo");
});

test.each([
  ["switches to another branch", "git switch -qc feature", []],
  [
    "begins a bisection",
    "git bisect start -q >/dev/null",
    ["~/code is in the middle of a bisection, so it is not updated (behind 1)"],
  ],
  ["changes a file", "echo mine > a", ["~/code has uncommitted changes, so it is not updated (behind 1)"]],
])("its person who %s between the look and the update keeps the clone as it is", async (_, begin, warned) => {
  const clone = behind();
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  real.sh(`cd code; ${begin}`);
  const before = state();
  expect(await change?.apply()).toBe("not done");
  expect([state(), real.warned]).toEqual([before, warned]);
});

test("of two updates of one clone at the same moment one is made, and the other one says so", async () => {
  const clone = behind();
  const [[one], [another]] = await Promise.all([1, 2].map(() => fastForwardChanges(real.place, clone, new Set()))).then(
    ([first = [], second = []]) => [first, second] as const,
  );
  const outcomes = await Promise.all([one?.apply(), another?.apply()]);
  expect(outcomes).toEqual([undefined, "not done"]);
  expect(real.warned).toEqual(["~/code is being updated by another process, so it is not updated by this one"]);
  expect(real.sh("cd code; git status --porcelain; git log -1 --format=%s; ls .git | grep workstation || true")).toBe(
    "two",
  );
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
});

test("an update that another process has made in the meantime is no failure", async () => {
  const clone = behind();
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  real.sh("cd code; git merge -q --ff-only origin/master");
  expect([await change?.apply(), real.warned]).toEqual(["not done", []]);
});
