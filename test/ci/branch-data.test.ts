import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { parseDocument } from "yaml";
import { readBranches } from "../../ci/pull-request/branch-data.ts";

afterEach(() => vi.unstubAllEnvs());

/** A checkout of the deployed commit that has fetched master and a pull request. */
function checkout(onMaster: Readonly<Record<string, string>>, inRequest: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "ci-branch-"));
  const who = ["-c", "user.name=x", "-c", "user.email=x@x.invalid"];
  const git = (...args: string[]) => execFileSync("git", [...who, ...args], { cwd: folder, encoding: "utf8" }).trim();
  git("init", "--quiet", "--initial-branch=work");
  const commit = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "--message=x");
    return git("rev-parse", "HEAD");
  };
  const deployed = commit({ "roster.yaml": "a\nb\nc\nd\n", "index.ts": "deployed" });
  commit(onMaster);
  git("update-ref", "refs/remotes/origin/master", "HEAD");
  git("checkout", "--quiet", deployed);
  const request = commit(inRequest);
  git("checkout", "--quiet", deployed);
  vi.stubEnv("CI_COMMIT_SHA", request);
  vi.stubEnv("WS_BRANCH", "master");
  return { folder, git, deployed };
}
const DOCUMENT = parseDocument("config: {}\n");
const textsOf = (data: ReadonlyMap<unknown, { readonly content: Buffer }>) =>
  [...data.values()].map(({ content }) => content.toString());

test("data is read from master's head and from its merge with the pull request; the program is the deployed one", async () => {
  const { folder, deployed } = checkout(
    { "roster.yaml": "A\nb\nc\nd\n", "index.ts": "waits for an admin" },
    { "roster.yaml": "a\nb\nc\nD\n", "extra.ts": "of the branch" },
  );
  const { base, merged, unread, undeployed } = await readBranches(folder, DOCUMENT, deployed);
  expect(textsOf(base)).toEqual(["A\nb\nc\nd\n"]);
  expect(textsOf(merged)).toEqual(["A\nb\nc\nD\n"]);
  expect([unread, undeployed]).toEqual([["extra.ts"], ["index.ts"]]);
});

test("a checkout of another commit than the published state's previews nothing", async () => {
  const { folder, git, deployed } = checkout({}, {});
  git("checkout", "--quiet", "refs/remotes/origin/master");
  await expect(readBranches(folder, DOCUMENT, deployed)).rejects.toThrow("a deployment ended meanwhile");
});

test("a master that does not lead from the deployed commit previews nothing", async () => {
  const { folder, git, deployed } = checkout({}, {});
  git("update-ref", "refs/remotes/origin/master", git("commit-tree", "-m", "rewritten", `${deployed}^{tree}`));
  await expect(readBranches(folder, DOCUMENT, deployed)).rejects.toThrow("no longer leads from the deployed commit");
});
