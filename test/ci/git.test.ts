import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAX_FILE_BYTES, NO_PLAIN_FILE, openGit } from "../../ci/git.ts";

const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "x",
  GIT_AUTHOR_EMAIL: "x@x.invalid",
  GIT_COMMITTER_NAME: "x",
  GIT_COMMITTER_EMAIL: "x@x.invalid",
};

function repository() {
  const folder = mkdtempSync(join(tmpdir(), "ci-git-"));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: folder, env, encoding: "utf8" }).trim();
  git("init", "--quiet", "--initial-branch=master");
  const commit = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    git("add", "--all");
    git("commit", "--quiet", "--message=x");
    return git("rev-parse", "HEAD");
  };
  return { folder, git, commit };
}

test("a branch's file is read as merging would make it, without a checkout", async () => {
  const { folder, git, commit } = repository();
  const base = commit({ "roster.yaml": "a\nb\nc\nd\ne\n" });
  const branch = commit({ "roster.yaml": "A\nb\nc\nd\ne\n" });
  git("checkout", "--quiet", "-B", "master", base);
  commit({ "roster.yaml": "a\nb\nc\nd\nE\n" });
  const opened = openGit(folder);
  const tree = (await opened.merged("HEAD", branch)) ?? "";
  expect((await opened.file(tree, "roster.yaml"))?.toString()).toBe("A\nb\nc\nd\nE\n");
  expect(await opened.changedFiles("HEAD", tree)).toEqual(["roster.yaml"]);
  expect(await opened.file(tree, "absent")).toBeUndefined();
});

test("a branch that conflicts has no merged tree", async () => {
  const { folder, git, commit } = repository();
  const base = commit({ file: "a" });
  const branch = commit({ file: "b" });
  git("checkout", "--quiet", "-B", "master", base);
  commit({ file: "c" });
  expect(await openGit(folder).merged("HEAD", branch)).toBeUndefined();
});

test("a link, a folder and a file that is too large are refused by name", async () => {
  const { folder, git, commit } = repository();
  symlinkSync("/etc/shadow", join(folder, "roster.yaml"));
  commit({ large: "x".repeat(MAX_FILE_BYTES + 1) });
  git("update-index", "--add", "--cacheinfo", `160000,${git("rev-parse", "HEAD")},module`);
  git("commit", "--quiet", "--message=y");
  const opened = openGit(folder);
  await expect(opened.file("HEAD", "roster.yaml")).rejects.toThrow("roster.yaml is no regular file");
  await expect(opened.file("HEAD", "module")).rejects.toThrow("module is no regular file");
  await expect(opened.file("HEAD", "large")).rejects.toThrow(`${MAX_FILE_BYTES + 1} bytes`);
});

test("a name that looks like an option is no commit", async () => {
  const { folder, commit } = repository();
  commit({ file: "a" });
  expect(await openGit(folder).commit("--output=/tmp/x")).toBeUndefined();
});

test("a page that becomes a link or a submodule is told apart from a page that changes", async () => {
  const { folder, git, commit } = repository();
  const base = commit({ "a.md": "a", "b.md": "b", "c.md": "c" });
  rmSync(join(folder, "a.md"));
  symlinkSync("index.ts", join(folder, "a.md"));
  const head = commit({ "c.md": "changed" });
  git("update-index", "--add", "--cacheinfo", `160000,${head},b.md`);
  git("commit", "--quiet", "--message=y");
  expect(await openGit(folder).changedFiles(base, "HEAD")).toEqual([
    `a.md${NO_PLAIN_FILE}`,
    `b.md${NO_PLAIN_FILE}`,
    "c.md",
  ]);
});
