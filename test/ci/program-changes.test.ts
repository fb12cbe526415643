import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { openGit } from "../../ci/git.ts";
import { dataFile, openStackFile, ROSTER } from "../../ci/stack-file.ts";
import { isData, programChanges } from "../../ci/push/program-changes.ts";

const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  ...{
    GIT_AUTHOR_NAME: "x",
    GIT_AUTHOR_EMAIL: "x@x.invalid",
    GIT_COMMITTER_NAME: "x",
    GIT_COMMITTER_EMAIL: "x@x.invalid",
  },
};

const STACK = { roster: "roster.yaml", readFiles: ["docs/guidance.md", "users.json"] };

let folder: string;
const git = (...args: string[]) => execFileSync("git", args, { cwd: folder, env, encoding: "utf8" }).trim();
/** null removes the file. */
function commit(files: Readonly<Record<string, string | null>>, message = "x") {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    if (text === null) rmSync(join(folder, name));
    else writeFileSync(join(folder, name), text);
  }
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", `--message=${message}`);
  return git("rev-parse", "HEAD");
}
let deployed: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "program-changes-"));
  git("init", "--quiet", "--initial-branch=master");
  commit({ "index.ts": "old\n", "roster.yaml": "a\n" });
  deployed = commit({ "index.ts": "good\n", "other.ts": "good\n" });
});
const found = async (to: string, from = deployed) =>
  (await programChanges(openGit(folder), { pusher: "ebarzin", from, to }, STACK)).map(({ commit: in_, files }) => [
    in_,
    ...files,
  ]);

test("a push of the roster and of pages changes no program, by whatever merges it came", async () => {
  git("checkout", "--quiet", "-b", "topic", `${deployed}~1`);
  commit({ "roster.yaml": "a\nb\n" });
  git("checkout", "--quiet", "master");
  git("merge", "--quiet", "--no-ff", "--message=merge", "topic");
  expect(await found(commit({ "docs/runbooks/x.md": "x", "README.md": "x" }))).toEqual([]);
});

test("a program that a later commit of the same push takes back is found in the commit that holds it", async () => {
  const evil = commit({ "ci/snapshot/publish.ts": "evil" });
  const back = commit({ "ci/snapshot/publish.ts": null, "roster.yaml": "b\n" });
  expect(await found(back)).toEqual([
    [back, "ci/snapshot/publish.ts"],
    [evil, "ci/snapshot/publish.ts"],
  ]);
});

test("the file of a push of one commit is named once", async () => {
  const only = commit({ "index.ts": "new\n" });
  expect(await found(only)).toEqual([[only, "index.ts"]]);
});

test("a program on a side branch whose merge drops it is found there", async () => {
  git("checkout", "--quiet", "-b", "topic");
  const evil = commit({ "index.ts": "evil\n" });
  git("checkout", "--quiet", "master");
  git("merge", "--quiet", "--no-ff", "--strategy=ours", "--message=merge", "topic");
  expect(await found(git("rev-parse", "HEAD"))).toEqual([[evil, "index.ts"]]);
});

test("a merge that brings an older program back is found at the push's end", async () => {
  git("checkout", "--quiet", "-b", "topic", `${deployed}~1`);
  commit({ "roster.yaml": "a\nb\n" });
  git("merge", "--quiet", "--no-ff", "--strategy=ours", "--message=merge", "master");
  const rollback = git("rev-parse", "HEAD");
  expect(await found(rollback)).toEqual([[rollback, "index.ts", "other.ts"]]);
});

test("a merge that mixes its parents' programs is found, though each file is one of theirs", async () => {
  git("checkout", "--quiet", "-b", "topic", `${deployed}~1`);
  commit({ "roster.yaml": "a\nb\n" });
  git("checkout", "--quiet", "master");
  git("merge", "--quiet", "--no-commit", "--no-ff", "topic");
  const mixed = commit({ "index.ts": "old\n" });
  const back = commit({ "index.ts": "good\n" });
  expect(await found(back)).toEqual([
    [back, "index.ts"],
    [mixed, "index.ts"],
  ]);
});

test("a submodule that the repository's own settings hide is found", async () => {
  const from = commit({
    ".gitmodules": '[submodule "lib"]\n\tpath = lib\n\turl = https://x.invalid/lib\n\tignore = all\n',
  });
  git("update-index", "--add", "--cacheinfo", `160000,${deployed},lib`);
  git("commit", "--quiet", "--message=x");
  const to = git("rev-parse", "HEAD");
  expect(await found(to, from)).toEqual([[to, "lib (no plain file)"]]);
});

test("a data file is compared as git writes its path", async () => {
  writeFileSync(join(folder, "Pulumi.prod.yaml"), "config:\n  workstation:roster: ./people//roster.yaml\n");
  expect(dataFile(await openStackFile(folder, "prod"), ROSTER)).toBe("people/roster.yaml");
});

test("a commit without parents is program as a whole", async () => {
  git("checkout", "--quiet", "--orphan", "fresh");
  const root = commit({ "evil.ts": "x" });
  git("checkout", "--quiet", "master");
  git("merge", "--quiet", "--allow-unrelated-histories", "--strategy=ours", "--message=merge", root);
  expect(await found(git("rev-parse", "HEAD"))).toEqual([[root, "evil.ts", "index.ts", "other.ts"]]);
});

test.each([
  ["docs/a.md", true],
  ["docs/guidance.md", false],
  ["users.json", false],
  ["docs/runbooks/a.md", true],
  ["CHANGELOG.md", true],
  ["roster.yaml", true],
  ["docs", false],
  ["docs/a.md/index.ts", false],
  ["docs/a.ts", false],
  ["agent/README.md", false],
  ["Pulumi.prod.yaml", false],
  ["guidance.md", false],
  [".woodpecker/deploy.yaml", false],
])("%s counts as data: %s", (file, expected) => {
  expect(isData(file, STACK)).toBe(expected);
});
