/** Tests the first step of a pull request's pipeline, as `.woodpecker/` defines it, with real git and a fake engine. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { readPipeline, runPipeline } from "../e2e/pipelines/woodpecker.ts";

const TEXT = readFileSync(new URL("../../.woodpecker/pull-request.yaml", import.meta.url), "utf8");

/** A repository whose master has one deployed commit and one that waits for an admin, and a pull request on top. */
function forge() {
  const dir = mkdtempSync(join(tmpdir(), "pull-request-pipeline-"));
  const env = { PATH: process.env.PATH, HOME: dir, GIT_CONFIG_GLOBAL: "/dev/null" };
  const who = ["-c", "user.name=x", "-c", "user.email=x@x.invalid"];
  const repo = join(dir, "repo");
  const git = (...args: string[]) =>
    execFileSync("git", [...who, ...args], { cwd: repo, env, encoding: "utf8" }).trim();
  mkdirSync(repo);
  git("init", "--quiet", "--initial-branch=master");
  const commit = (text: string) => {
    writeFileSync(join(repo, "program"), text);
    git("add", "--all");
    git("commit", "--quiet", `--message=${text}`);
    return git("rev-parse", "HEAD");
  };
  const deployed = commit("deployed");
  const waiting = commit("waiting");
  commit("pull request");
  git("update-ref", "refs/pull/7/head", "HEAD");
  git("reset", "--quiet", "--hard", waiting);
  git("checkout", "--quiet", "-b", "elsewhere", deployed);
  const elsewhere = commit("elsewhere");
  git("checkout", "--quiet", "master");
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const program = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program("npm", `cp program ${join(dir, "installed")}`);
  const first = { steps: readPipeline(TEXT).steps.slice(0, 1) };
  const run = async (said: string) => {
    writeFileSync(join(dir, "said"), said);
    program(
      "pulumi",
      `test "$*" = "stack output --stack organization/workstation/prod previewCommit" && test "$PULUMI_CONFIG_PASSPHRASE" = "p q" && cat ${join(dir, "said")}`,
    );
    const [ran] = await runPipeline(stringify(first), {
      workspace: join(dir, "workspace"),
      variables: { CI_REPO_CLONE_URL: repo, CI_COMMIT_PULL_REQUEST: "7" },
      secrets: {
        ws_preview_forge_token: "t",
        ws_preview_environment: "PULUMI_BACKEND_URL=b\nPULUMI_CONFIG_PASSPHRASE=p q",
      },
      image: { PATH: `${bin}:${process.env.PATH}`, HOME: dir, GIT_CONFIG_GLOBAL: "/dev/null" },
    });
    const file = join(dir, "installed");
    return {
      code: ran?.code,
      log: ran?.log ?? "",
      installed: existsSync(file) ? readFileSync(file, "utf8") : undefined,
    };
  };
  return { run, deployed, waiting, elsewhere };
}

test("the deployed commit is checked out and its packages are installed, whatever is on master and on the branch", async () => {
  const { run, deployed } = forge();
  expect(await run(`${deployed}\n`)).toEqual({ code: 0, log: "", installed: "deployed" });
});

test.each([
  ["an abbreviated hash", ({ deployed }: ReturnType<typeof forge>) => deployed.slice(0, 12), "names no full hash"],
  ["the name of a branch", () => "master", "names no full hash"],
  ["two hashes", ({ deployed, waiting }: ReturnType<typeof forge>) => `${waiting} ${deployed}`, "names no full hash"],
  [
    "two lines",
    ({ deployed, elsewhere }: ReturnType<typeof forge>) => `${elsewhere}\n${deployed}`,
    "does not lead from",
  ],
  ["an option", () => "--orphan=x", "names no full hash"],
  ["nothing", () => "", "names no full hash"],
  ["a commit of another branch", ({ elsewhere }: ReturnType<typeof forge>) => elsewhere, "does not lead from"],
  ["a commit that is not there", () => "0".repeat(40), "does not lead from"],
])(
  "%s in place of the deployed commit stops the preview before anything is installed",
  async (_what, said, message) => {
    const world = forge();
    const ran = await world.run(said(world));
    expect(ran).toMatchObject({ code: 1, installed: undefined });
    expect(ran.log).toContain(message);
  },
);
