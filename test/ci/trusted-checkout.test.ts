/** Tests the step `checkout` of each pipeline with the deployment's state, as `.woodpecker/` defines it, with real git and a fake engine. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { readPipeline, runPipeline } from "../e2e/pipelines/woodpecker.ts";

const root = mkdtempSync(join(tmpdir(), "trusted-checkout-"));
afterAll(() => rmSync(root, { recursive: true }));

const FILES = ["daily.yaml", "deploy.yaml", "drift.yaml"];

/** What the deployed commit has, and what a push that waits for an admin has on top of it. */
const DEPLOYED = { "roster.yaml": "users:\n  wizard: {}\n", "program.sh": "#!/bin/sh\nexit 0\n" };

/** @param pushed files of the head, which is not deployed @returns the trusted files after the step, and how it ended */
async function checkedOut(file: string, pushed: Readonly<Record<string, string>>) {
  const dir = mkdtempSync(join(root, "world-"));
  const [repo, bin] = [join(dir, "repo"), join(dir, "bin")];
  for (const folder of [repo, bin]) mkdirSync(folder);
  const env = { PATH: process.env.PATH, HOME: dir, GIT_CONFIG_GLOBAL: "/dev/null" };
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@x.invalid", ...args], {
      ...{ cwd: repo, env, encoding: "utf8" },
    }).trim();
  const commit = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(repo, name), text);
    git("add", "--all");
    git("commit", "--quiet", "--message=x");
    return git("rev-parse", "HEAD");
  };
  git("init", "--quiet", "--initial-branch=master");
  const update = { kind: "update", result: "succeeded", environment: { "git.head": commit(DEPLOYED) } };
  commit(pushed);
  writeFileSync(join(dir, "history.json"), JSON.stringify([update]));
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\ncat ${dir}/history.json\n`, { mode: 0o755 });
  const names = Object.keys(DEPLOYED).join(" ");
  writeFileSync(join(bin, "npm"), `#!/bin/sh\ncp ${names} ${dir}\n`, { mode: 0o755 });
  const text = readFileSync(new URL(`../../.woodpecker/${file}`, import.meta.url), "utf8");
  const first = { steps: readPipeline(text).steps.slice(0, 1) };
  const [ran] = await runPipeline(stringify(first), {
    workspace: join(dir, "workspace"),
    variables: { CI_REPO_CLONE_URL: repo },
    secrets: Object.fromEntries(
      ["state_environment", "forge_token", "forge_user", "chat_webhook"].map((name) => [`ws_${name}`, "A=b"]),
    ),
    image: { PATH: `${bin}:${process.env.PATH}`, HOME: dir, GIT_CONFIG_GLOBAL: "/dev/null" },
  });
  const found = Object.keys(DEPLOYED).map((name) => [name, readFileSync(join(dir, name), "utf8")]);
  return { code: ran?.code, log: ran?.log, files: Object.fromEntries(found) as Readonly<Record<string, string>> };
}

test.each(
  FILES.flatMap((file) => [
    [file, "changes line ends", "* text eol=crlf\n"],
    [file, "encodes the program otherwise", "*.yaml working-tree-encoding=UTF-7\n*.sh working-tree-encoding=UTF-7\n"],
  ]),
)(
  "%s: a head whose .gitattributes %s leaves the trusted files as they are deployed",
  async (file, _what, attributes) => {
    const head = { ".gitattributes": attributes, "index.ts": "" };
    expect(await checkedOut(file, head)).toEqual({ code: 0, log: "", files: DEPLOYED });
  },
);
