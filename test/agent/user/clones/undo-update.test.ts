/** An update that fails in the middle: the clone is as it was before, the reason is named, and the next run can update it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { changedFiles } from "../../../../agent/user/clones/changed-files.ts";
import { hasJournal, openJournal } from "../../../../agent/user/clones/update-journal.ts";
import { type RealHome, realHome } from "./real-clone.ts";

/** As `link(2)` fails for a file of root's (`fs.protected_hardlinks`), and on a file system without hard links. */
const links = vi.hoisted(() => ({ refused: /^$/ }));
vi.mock(import("node:fs"), async (original) => {
  const fs = await original();
  const linkSync: typeof fs.linkSync = (from, to) => {
    if (links.refused.test(String(from))) throw Object.assign(new Error("EPERM: no link"), { code: "EPERM" });
    fs.linkSync(from, to);
  };
  return { ...fs, default: fs, linkSync };
});

let real: RealHome;
afterEach(() => {
  links.refused = /^$/;
  real.remove();
});

const SUBMODULES = "sub-file sub-link sub-folder sub-gone";

/** A clone whose upstream changes, brings, removes and retypes files, folders and submodules, one of them through a filter. */
function behind(extra = ""): string {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; mkdir -p deep/er ro folder ${SUBMODULES}; for n in 1 2 3; do echo hello > r$n; done; echo old > deep/er/old; echo ro > ro/one
echo x > script; ln -s r1 link; printf 'b\\n' > $'b\\xff'; echo d > becomes; echo m > module; echo f > folder/in; git add -A; git commit -qm one
for s in ${SUBMODULES}; do git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),$s; done; git commit -qm one; git clone -q . ../code; mkdir ../code/empty
for n in 1 2 3; do echo up$n > r$n; done; git rm -qr deep folder; mkdir -p deep2/a; echo n > deep2/a/n; ln -sf r2 link; chmod 755 script; echo n > new; echo up > $'b\\xff'
rm becomes; mkdir becomes; git rm -q module; git rm -qr --cached ${SUBMODULES}; rmdir ${SUBMODULES}
for s in module module-new; do git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),$s; done; echo in > becomes/in; echo up > ro/one; ${extra}
echo f > sub-file; ln -s r1 sub-link; mkdir sub-folder; echo in > sub-folder/in; echo f > folder; echo e > empty
mkdir module module-new; git add -A -- . ':!module' ':!module-new'; git commit -qm two; cd ../code; git fetch -q; sleep 0.01`);
  return join(real.home, "code");
}

/** Every byte, mode, link and directory outside of `.git`, and what git makes of it. */
const tree = () =>
  real.sh(
    `cd code; git status --porcelain; git rev-parse HEAD; find . -path ./.git -prune -o -printf '%p %y %m %l\\n' | sort; find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum`,
  );

const update = async (clone: string) => {
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  if (change === undefined) throw new Error(`there is nothing to update: ${real.warned.join("; ")}`);
  return change.apply();
};

const FILTER = "echo 'z* filter=big' > .gitattributes; echo z > z1; echo z > z2";
const object = "$(git rev-parse origin/master:r2)";

test.each([
  [
    "a required filter is missing",
    FILTER,
    "git config filter.big.required true; git config filter.big.smudge 'git-big smudge %f'; git config filter.big.clean cat",
    /git-big: not found.*z1: smudge filter big failed/,
    "git config filter.big.smudge cat",
  ],
  [
    "a required long-running filter is missing",
    FILTER,
    "git config filter.big.required true; git config filter.big.process 'git-big serve'; git config filter.big.clean cat",
    /git-big serve: .*git-big: not found|git-big.*not found/,
    "git config --unset filter.big.process; git config filter.big.smudge cat",
  ],
  [
    "an object is missing",
    "true",
    `o=${object}; f=.git/objects/\${o:0:2}/\${o:2}; [ -f $f ] || { mv .git/objects/pack ../p; for k in ../p/*.pack; do git unpack-objects -q < $k; done; }; mv -f $f ../object`,
    /r2/,
    `o=${object}; mv ../object .git/objects/\${o:0:2}/\${o:2}`,
  ],
])(
  "where %s, the clone is as before, the reason is named, and it is updated once that is repaired",
  async (_, upstream, broken, why, repair) => {
    const clone = behind(upstream);
    // Where the person's own last reset or rebase began.
    if (upstream === FILTER) real.sh("git -C up rev-parse HEAD~2 > code/.git/ORIG_HEAD");
    real.sh(`cd code; ${broken}`);
    const orig = "cat code/.git/ORIG_HEAD 2>&1 || true";
    const before = tree() + real.sh(orig);
    // Control: git alone leaves the clone half updated.
    real.sh(
      "cp -a code control; cd control; git merge -q --ff-only origin/master 2>/dev/null || true; git status --porcelain --ignore-submodules=all | grep -q .",
    );
    for (let run = 0; run < 2; run += 1) {
      real.warned.length = 0;
      expect(await update(clone)).toBe("not done");
      expect(real.warned).toEqual([expect.stringMatching(/^~\/code was not updated, and is as it was before: /)]);
      expect(real.warned[0]).toMatch(why);
      expect(tree() + real.sh(orig)).toBe(before);
      expect(existsSync(join(clone, ".git/workstation-kept"))).toBe(false);
    }
    real.sh(`cd code; ${repair}`);
    expect(await update(clone)).toBeUndefined();
    expect(real.sh("cd code; git status --porcelain; git rev-parse HEAD origin/master | uniq | wc -l")).toBe("1");
  },
);

test.each([
  [
    "a split index whose old halves go at once",
    "git config splitIndex.maxPercentChange 0; git config splitIndex.sharedIndexExpire now; git config core.splitIndex true; git update-index --split-index",
  ],
  [
    "what git has for large clones",
    "git config feature.manyFiles true; git config index.skipHash true; git config checkout.workers 4; git config checkout.thresholdForParallelism 0; git config gc.auto 1; git update-index --untracked-cache; git status >/dev/null",
  ],
  ["an index of folders", "git sparse-checkout init --cone --sparse-index; git sparse-checkout set ro"],
])("an update that fails behind the index leaves it readable and as before, with %s", async (_, begin) => {
  const clone = behind();
  real.sh(`cd code; ${begin}; touch .git/refs/heads/master.lock`);
  const index = () => real.sh("cd code; git ls-files --stage -v; git fsck --no-dangling 2>&1 | grep -i index || true");
  const before = tree() + index();
  for (let run = 0; run < 2; run += 1) {
    expect(await update(clone)).toBe("not done");
    expect(real.warned.at(-1)).toMatch(/^~\/code was not updated, and is as it was before: .*cannot lock ref/);
    expect(tree() + index()).toBe(before);
  }
  real.sh("rm code/.git/refs/heads/master.lock");
  expect(await update(clone)).toBeUndefined();
  expect(real.sh("cd code; git status --porcelain; git rev-parse HEAD origin/master | uniq | wc -l")).toBe("1");
});

const UNPACK = `git -c tar.umask=022 archive origin/master > ../new.tar; rm -rf deep becomes module folder empty ${SUBMODULES}; tar x --no-overwrite-dir -f ../new.tar`;

/** What git had written when it was killed, or the disk was full, and what its person had written by then. */
async function killed(clone: string, halfway: string): Promise<void> {
  const [from = "", to = ""] = real.sh("cd code; git rev-parse HEAD origin/master").split("\n");
  const files = await changedFiles(real.place, clone, from, to);
  if ("argv" in files) throw new Error(files.stderr);
  openJournal(clone, from, to, files);
  real.sh(`cd code; ${halfway}`);
}

test.each([
  ["before anything", "true"],
  ["after some files", "rm r1 deep/er/old; rmdir deep/er deep; git show origin/master:r1 > r1"],
  ["in the middle of a file, with a full disk", "rm r1 r2 link; printf up > r1; : > r2; ln -s r2 link; : > new"],
  ["behind the last file", UNPACK],
  ["behind the index", "git merge -q --ff-only origin/master; git update-ref refs/heads/master HEAD@{1}"],
])("an update that was killed %s is undone by the next run, which then updates", async (_, halfway) => {
  const clone = behind();
  const before = tree();
  await killed(clone, halfway);
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(real.warned).toEqual(halfway === "true" ? [] : ["~/code: an update that was broken off has been undone"]);
  expect(tree()).toBe(before);
  expect(await change?.apply()).toBeUndefined();
  expect(real.sh("cd code; git status --porcelain; git rev-parse HEAD origin/master | uniq | wc -l")).toBe("1");
});

test.each([
  ["git's own files belong to root", /\.git\/(index|ORIG_HEAD)$/],
  ["there are no hard links", /./],
])("where %s, a clone is updated, and an update that was killed or failed is undone", async (_, refused) => {
  const clone = behind();
  links.refused = refused;
  real.sh("cd code; git rev-parse HEAD > .git/ORIG_HEAD");
  const before = tree();
  for (const halfway of [UNPACK, "git merge -q --ff-only origin/master; git update-ref refs/heads/master HEAD@{1}"]) {
    await killed(clone, halfway);
    expect(await fastForwardChanges(real.place, clone, new Set())).toHaveLength(1);
    expect(real.warned).toEqual(["~/code: an update that was broken off has been undone"]);
    expect(tree()).toBe(before);
    real.warned.length = 0;
  }
  real.sh(`cd code; o=${object}; mkdir ../p; mv .git/objects/pack/* ../p 2>/dev/null || true
for k in ../p/*.pack; do [ ! -e $k ] || git unpack-objects -q < $k; done; mv -f .git/objects/\${o:0:2}/\${o:2} ../object`);
  expect(await update(clone)).toBe("not done");
  expect(tree()).toBe(before);
  real.sh(`cd code; o=${object}; mv ../object .git/objects/\${o:0:2}/\${o:2}`);
  expect(await update(clone)).toBeUndefined();
  expect(real.sh("cd code; git status --porcelain; git rev-parse HEAD origin/master | uniq | wc -l")).toBe("1");
});

test("what its person wrote since an update was killed stays, wherever they wrote it", async () => {
  const clone = behind();
  await killed(
    clone,
    `${UNPACK}; rm r1 new; echo mine > r1; echo mine > new; mkdir -p deep/er; echo mine > deep/er/old; echo mine > deep2/a/mine`,
  );
  await fastForwardChanges(real.place, clone, new Set());
  expect(real.sh("cd code; cat r1 new deep/er/old deep2/a/mine; ls deep2/a; cat r2")).toBe(
    "mine\nmine\nmine\nmine\nmine\nhello",
  );
  expect(real.warned).toContain("~/code has uncommitted changes, so it is not updated (behind 1)");
});

test("behind a link that its person has put in the place of a directory nothing is changed, and no run gets stuck", async () => {
  const clone = behind();
  // Written to while git was at it: the file that was there before holds it.
  const moves =
    "mkdir -p ../out/er; for d in ro deep2; do mv $d ../out/$d; ln -s ../out/$d $d; done; ln -s ../out deep";
  await killed(clone, `exec 3>> ro/one; ${UNPACK}; echo mine >&3; ${moves}`);
  const out = () => real.sh("find out -printf '%p %y %m %i %T@\\n' | sort; cat out/ro/one out/deep2/a/n");
  const before = out();
  await fastForwardChanges(real.place, clone, new Set());
  expect(out()).toBe(before);
  expect(real.sh("cd code; cat ro-one.kept-*; ls -d *.kept-* | wc -l; readlink ro deep2 deep; cat r1")).toBe(
    "ro\nmine\n1\n../out/ro\n../out/deep2\n../out\nhello",
  );
  expect(real.warned).toContain("~/code: an update that was broken off has been undone");
  expect(existsSync(join(clone, ".git/workstation-kept"))).toBe(false);
});

test("a git that outlives the process which updates keeps every other one from the clone until it has ended", async () => {
  const clone = behind("echo 'z* filter=slow' > .gitattributes; echo z > z1");
  real.sh("cd code; git config filter.slow.smudge 'touch ../begun; sleep 3; cat'; git config filter.slow.clean cat");
  const source = (path: string) => JSON.stringify(new URL(`../../../../${path}`, import.meta.url).pathname);
  const program = `import { gitFor } from ${source("agent/lib/git.ts")};
    import { fastForwardChanges } from ${source("agent/user/clones/fast-forward.ts")};
    const part = ${JSON.stringify(real.place.part)}; const home = ${JSON.stringify(real.home)};
    const context = { part, home, mode: "apply", git: gitFor(home, part), warn: console.error };
    for (const change of await fastForwardChanges(context, home + "/code", new Set())) await change.apply();`;
  const cwd = new URL("../../../..", import.meta.url);
  const updates = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    cwd,
    stdio: ["ignore", "inherit", "inherit"],
  });
  await expect.poll(() => existsSync(join(real.home, "begun")), { timeout: 20_000 }).toBe(true);
  updates.kill("SIGKILL");
  await once(updates, "close");
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
  expect(real.warned).toEqual(["~/code is being updated by another process, so it is not updated by this one"]);
  // It ends well, since nobody was in its way.
  await expect
    .poll(() => real.sh("cd code; git rev-parse HEAD origin/master | uniq | wc -l"), { timeout: 20_000 })
    .toBe("1");
  await expect
    .poll(async () => (await fastForwardChanges(real.place, clone, new Set())).length + Number(hasJournal(clone)), {
      timeout: 20_000,
    })
    .toBe(0);
  expect(real.sh("cd code; git status --porcelain; ls .git | grep workstation || true")).toBe("");
});

test("line ends that git converts are told from what its person wrote", async () => {
  const clone = behind("echo '* text eol=crlf' > .gitattributes");
  const before = tree();
  await killed(
    clone,
    "git show origin/master:.gitattributes > .gitattributes; rm r1 r2; printf 'up1\\r\\n' > r1; printf 'up2\\r' > r2; printf 'n\\r\\n' > new",
  );
  await fastForwardChanges(real.place, clone, new Set());
  expect(tree()).toBe(before);
});

test("what a filter wrote before its program was gone is named, since nothing tells it from what its person wrote", async () => {
  const clone = behind(FILTER);
  real.sh(`cd code; printf '#!/bin/sh\\nrm -- "$0"; tr a-z b-za\\n' > ../once; chmod 755 ../once; git config filter.big.required true
git config filter.big.smudge '../once'; git config filter.big.clean 'test -e ../once && tr b-za a-z'`);
  expect(await update(clone)).toBe("not done");
  expect(real.warned).toEqual([
    expect.stringMatching(
      /^~\/code was not updated, and is as it was before except for z1, which the update or its person wrote meanwhile: .*smudge filter big failed$/,
    ),
  ]);
  expect(real.sh("cd code; git status --porcelain; cat z1")).toBe("?? z1\na");
});

test("an update that another process is at is neither undone nor made a second time", async () => {
  const clone = behind();
  await killed(clone, "rm r1; git show origin/master:r1 > r1");
  const journal = join(clone, ".git/workstation-kept/files.json");
  const [pid, started] = [
    process.ppid,
    readFileSync(`/proc/${process.ppid}/stat`, "utf8").split(") ")[1]?.split(" ")[19],
  ];
  const own = readFileSync(journal, "utf8");
  writeFileSync(journal, JSON.stringify({ ...JSON.parse(own), process: `${pid} ${started}` }));
  const half = tree();
  expect(await fastForwardChanges(real.place, clone, new Set())).toEqual([]);
  expect([tree(), real.warned]).toEqual([
    half,
    ["~/code is being updated by another process, so it is not updated by this one"],
  ]);
  // Its git may outlive it, and holds the index then.
  writeFileSync(journal, JSON.stringify({ ...JSON.parse(own), process: `${pid} 1` }));
  writeFileSync(join(clone, ".git/index.lock"), "");
  expect([await fastForwardChanges(real.place, clone, new Set()), tree()]).toEqual([[], half]);
  expect(real.warned.at(-1)).toMatch(
    /^~\/code has an update that was broken off and a \.git\/index\.lock, so it is left as it is/,
  );
  real.sh("rm code/.git/index.lock");
  real.warned.length = 0;
  expect(await fastForwardChanges({ ...real.place, mode: "check" }, clone, new Set())).toEqual([]);
  expect([tree(), real.warned]).toEqual([half, ["~/code: an update was broken off; the next run undoes it"]]);
  expect(await fastForwardChanges(real.place, clone, new Set())).toHaveLength(1);
  expect(readFileSync(join(clone, "r1"), "utf8")).toBe("hello\n");
});

test("a journal of the first version still gives back what was written, and undoes nothing", async () => {
  const clone = behind();
  const folder = join(clone, ".git/workstation-kept");
  mkdirSync(folder);
  copyFileSync(join(clone, "r1"), join(folder, "0"));
  writeFileSync(join(folder, "0"), "mine, not yet committed\n");
  writeFileSync(join(folder, "files.json"), JSON.stringify([{ path: "r1", size: 6, modifiedMs: 1 }]));
  await fastForwardChanges(real.place, clone, new Set());
  expect(readFileSync(join(clone, "r1"), "utf8")).toBe("mine, not yet committed\n");
});
