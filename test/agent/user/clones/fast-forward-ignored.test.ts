/** What git ignores is its person's all the same: an update that would replace it is not made, and the path is named. */
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

const TREE =
  "find . -path ./.git -prune -o -printf '%p %y %l\\n' | sort; find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; git rev-parse HEAD";

test.each([
  ["a file", "echo up > .env; git add -f .env", "echo secret > .env", ".env"],
  [
    "a directory that becomes a file",
    "echo up > data; git add -f data",
    "mkdir -p data/x; echo secret > data/x/y",
    "data",
  ],
  [
    "a file in an ignored directory",
    "mkdir build; echo up > build/out; git add -f build",
    "mkdir build; echo secret > build/out; echo x > build/x",
    "build/out",
  ],
  ["a file that becomes a directory", "mkdir data; echo up > data/in; git add -f data", "echo secret > data", "data"],
  [
    "a link that becomes a directory",
    "mkdir data; echo up > data/in; git add -f data",
    "mkdir ../else; ln -s ../else data",
    "data",
  ],
  ["a link to a file", "echo up > .env; git add -f .env", "echo secret > ../secret; ln -s ../secret .env", ".env"],
  ["a clone of its own", "echo up > data; git add -f data", "git init -q data; echo secret > data/f", "data"],
  [
    "a file in a tracked directory that becomes a file",
    "git rm -qr keep; echo up > keep; git add keep",
    "echo secret > keep/a.log",
    "keep",
  ],
  ["a file whose name has other letters", "echo up > 'ü b.log'; git add -f .", "echo secret > 'ü b.log'", "ü b.log"],
  [
    "a file where case is said not to count",
    "echo up > a.log; git add -f a.log",
    "git config core.ignoreCase true; echo secret > a.log; echo secret > A.log",
    "a.log",
  ],
  [
    "a file that is marked as unchanged",
    "echo up > cfg; git add cfg",
    "echo secret > cfg; git update-index --assume-unchanged cfg",
    "cfg",
  ],
  [
    "a file that is left out of the work tree",
    "git rm -q cfg",
    "echo secret > cfg; git update-index --skip-worktree cfg",
    "cfg",
  ],
])("%s that the update would replace stays as it is, and is named", async (_, upstream, mine, path) => {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; printf '.env\\ndata\\nbuild/\\n*.log\\n' > .gitignore; echo hello > readme; echo cfg > cfg; mkdir keep; echo k > keep/k; git add -A; git commit -qm one; git clone -q . ../code
echo up > readme; ${upstream}; git commit -qam two; cd ../code; git fetch -q; ${mine}; sleep 0.01`);
  const clone = join(real.home, "code");
  const before = real.sh(`cd code; ${TREE}`);
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.sh(`cd code; ${TREE}; ls .git | grep -c kept || true`)).toBe(`${before}\n0`);
  expect(real.warned).toEqual([
    expect.stringContaining(`~/code was not updated, and is as it was before: ${path}, which `),
  ]);
});

test.each([
  "git config branch.master.mergeOptions '--squash --no-commit'",
  "git config branch.master.mergeOptions '-s ours'",
  "git config pull.twohead ours",
])("somebody's own defaults for merges (%s) do not change what an update is", async (setting) => {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; echo hello > readme; git add -A; git commit -qm one; git clone -q . ../code
echo up > readme; git commit -qam two; cd ../code; git fetch -q; ${setting}; git config merge.autoStash true; git config merge.ff false`);
  const [change] = await fastForwardChanges(real.place, join(real.home, "code"), new Set());
  expect(await change?.apply()).toBeUndefined();
  expect(
    real.sh("cd code; git status --porcelain; git rev-parse HEAD origin/master | uniq | wc -l; git stash list"),
  ).toBe("1");
});

test("somebody's own demand for signatures still counts", async () => {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; echo hello > readme; git add -A; git commit -qm one; git clone -q . ../code
echo up > readme; git commit -qam two; cd ../code; git fetch -q; git config branch.master.mergeOptions '-s ours --verify-signatures'`);
  const [change] = await fastForwardChanges(real.place, join(real.home, "code"), new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned).toEqual([expect.stringContaining("does not have a GPG signature")]);
});
