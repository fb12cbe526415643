/** Where git compares nothing, in a submodule and outside of a sparse checkout, an update replaces nothing of its person's. */
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

const TREE =
  "find . -path ./.git -prune -o -printf '%p %y %m %l\\n' | sort; find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; cat .git/HEAD; git rev-parse HEAD";

/** A clone of a project with a submodule `sub` and the folders `in` and `out`; then its person's work and the update. */
function behind(mine: string, upstream: string): string {
  real = realHome();
  real.sh(`git config --global protocol.file.allow always
git init -q -b master lib; cd lib; echo lib > lib; git add -A; git commit -qm lib; cd ..
git init -q -b master up; cd up; printf '*.log\\n' > .gitignore; mkdir in out; echo 1 > in/a; echo 1 > out/a; git add -A
git submodule --quiet add ../lib sub; git commit -qm one; cd ..; git clone -q up code
cd code; ${mine}; cd ../up; ${upstream}; git commit -qam two; cd ../code; git fetch -q --no-recurse-submodules`);
  return join(real.home, "code");
}

const INITIALISED = "git submodule --quiet update --init; echo work >> sub/lib; echo new > sub/new";
const CLONED = "git clone -q ../lib sub; cd sub; echo mine > mine; git add -A; git commit -qm mine; cd ..";
const LEFT_OUT = "git sparse-checkout set in";
const FILE = "git rm -qf sub; rm -rf sub; echo up > sub; git add sub";
const LINK = "git rm -qf sub; rm -rf sub; ln -s in sub; git add sub";
const OUT_FILE = "git rm -qr out; echo 22 > out; git add out";

test.each([
  ["a submodule with changes becomes a file", INITIALISED, FILE, "sub, which holds"],
  ["a clone with a commit of its own becomes a link", CLONED, LINK, "sub, which holds"],
  [
    "a submodule becomes a directory",
    INITIALISED,
    "git rm -qf sub; rm -rf sub; mkdir sub; echo up > sub/other; git add sub",
    "sub, which holds",
  ],
  [
    "a submodule stays one, and a file is in its place",
    "rmdir sub; echo mine > sub",
    "cd sub; echo 2 > lib; git commit -qam two; cd ..",
    "sub, which git does not track",
  ],
  [
    "a submodule becomes a directory, and a link is in its place",
    "rmdir sub; mkdir ../else; ln -s ../else sub",
    "git rm -qf sub; rm -rf sub; mkdir sub; echo up > sub/other; git add sub",
    "sub, which git does not track",
  ],
  [
    "a directory with a submodule becomes a file",
    "git clone -q ../lib out/sub",
    "git submodule --quiet add ../lib out/sub; git commit -qm sub; git -C ../code pull -q; git rm -qrf out; rm -rf out; echo 22 > out; git add out",
    "out, which holds",
  ],
  [
    "an untracked file is in a folder left out",
    `${LEFT_OUT}; mkdir out; echo mine > out/new`,
    OUT_FILE,
    "out, which holds",
  ],
  [
    "an ignored file is in a folder left out",
    `${LEFT_OUT}; mkdir -p out/deep; echo mine > out/deep/new.log`,
    OUT_FILE,
    "out, which holds",
  ],
  [
    "a file is in the place of a folder left out",
    `${LEFT_OUT}; echo mine > out`,
    OUT_FILE,
    "out, which git does not track",
  ],
  [
    "a link is in the place of a folder left out",
    `${LEFT_OUT}; mkdir ../else; ln -s ../else out`,
    OUT_FILE,
    "out, which git does not track",
  ],
  [
    "a clone is in the place of a folder left out",
    `${LEFT_OUT}; git init -q out; touch out/mine`,
    OUT_FILE,
    "out, which holds",
  ],
  [
    "an ignored file is outside of the cone",
    `${LEFT_OUT}; mkdir out; echo mine > out/new.log`,
    "echo up > out/new.log; git add -f out/new.log",
    "out/new.log, which git does not track",
  ],
  [
    "a link is where a file outside of the cone changes",
    `${LEFT_OUT}; mkdir ../else; ln -s ../else out`,
    "echo 2 > out/a",
    "out, which git does not track",
  ],
  [
    "a file is where git was told to pass one over",
    "git update-index --skip-worktree out/a; rm out/a; echo mine > out/new.log",
    OUT_FILE,
    "out, which holds",
  ],
])("is not updated where %s; the path is named", async (_, mine, upstream, named) => {
  const clone = behind(mine, upstream);
  const before = real.sh(`cd code; ${TREE}`);
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned).toEqual([expect.stringContaining(`~/code was not updated, and is as it was before: ${named}`)]);
  expect(real.sh(`cd code; ${TREE}; ls .git | grep -c kept || true`)).toBe(`${before}\n0`);
});

test("is not updated where a tracked file outside of the cone has changes, also where git is told to expect files there", async () => {
  const clone = behind(
    `${LEFT_OUT}; git config sparse.expectFilesOutsideOfPatterns true; mkdir out; echo mine > out/a`,
    OUT_FILE,
  );
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
  expect(real.warned).toEqual(["~/code has uncommitted changes, so it is not updated (behind 1)"]);
  expect(real.sh("cd code; cat out/a; git status --porcelain")).toBe("mine");
});

test.each([
  ["a submodule that was never filled becomes a file", "true", FILE],
  ["a submodule in use moves to another commit", INITIALISED, "cd sub; echo 2 > lib; git commit -qam two; cd .."],
  ["a folder left out becomes a file", LEFT_OUT, OUT_FILE],
  ["a folder with nothing but empty directories becomes a file", "mkdir -p out/deep/er", OUT_FILE],
  ["a file becomes a folder", "true", "git rm -q in/a; mkdir -p in/a; echo 2 > in/a/b; git add in"],
  ["an empty directory is in the place of a new file", "mkdir new", "echo 2 > new; git add new"],
])("is updated where %s, since nothing can be lost", async (_, mine, upstream) => {
  const clone = behind(mine, upstream);
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect([await change?.apply(), real.warned]).toEqual([undefined, []]);
  expect(
    real.sh("cd code; git status --porcelain --ignore-submodules=all; git rev-parse HEAD origin/master | uniq | wc -l"),
  ).toBe("1");
});

test.each([
  ["in use", INITIALISED],
  ["in use and ignored by status", `${INITIALISED}; git config submodule.sub.ignore all`],
])("a submodule that is removed upstream and %s stays with all that is in it, and is named", async (_, mine) => {
  const clone = behind(mine, "git rm -qf sub");
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBeUndefined();
  expect(real.sh("cd code; cat sub/lib sub/new; git rev-parse HEAD origin/master | uniq | wc -l")).toBe(
    "lib\nwork\nnew\n1",
  );
  expect(real.warned).toEqual(["~/code/sub is removed by the update, but could not be deleted: it stays, untracked"]);
});
