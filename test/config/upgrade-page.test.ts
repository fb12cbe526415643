/**
 * Carries the git commands of docs/upgrade.md out between small repositories: an upgrade keeps the settings and people of a
 * site, and one that was taken back comes whole the next time.
 */

import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { stepsOf } from "../e2e/fixtures/runbook.ts";
import { text } from "../house/sources.ts";

const root = mkdtempSync(join(tmpdir(), "ws-upgrade-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Scripts of a section of the page that consist of git's commands alone, in their order. */
function gitBlocksOf(section: string): readonly string[] {
  const [, body = ""] = text("docs/upgrade.md").split(`\n## ${section}\n`);
  const [own = ""] = body.split("\n## ");
  const scripts = stepsOf(own).flatMap((step) => (step.kind === "run" ? [step.script] : []));
  return scripts.filter((script) => script.split("\n").every((line) => line.startsWith("git ")));
}
const [fetched = "", merged = "", committed = "", landed = ""] = gitBlocksOf("Forward");
const [back = ""] = gitBlocksOf("Back");
const [again = ""] = gitBlocksOf("Forward again");

let folder: string;
const at = (...path: readonly string[]) => join(folder, ...path);
const bash = (cwd: string, script: string): string =>
  execFileSync("/bin/bash", ["-euo", "pipefail", "-c", script], {
    cwd,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
const site = (script: string) => bash(at("site"), script);
const read = (file: string) => readFileSync(at("site", file), "utf8");

/** A version of the program: its files are written anew where the version changes them. */
function release(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(at("upstream", name), content);
  bash(at("upstream"), "git add --all && git commit --quiet --message Release");
}

const EXAMPLE = `# An example.\n${Array.from({ length: 30 }, (_, line) => `key${line}: value${line}\n`).join("")}`;
const FIRST = {
  "program.ts": "one\n",
  "library.ts": "one\n",
  "roster.yaml": "users: sample\n",
  "Pulumi.prod.yaml": EXAMPLE,
};
const SECOND = {
  "program.ts": "two\n",
  "more.ts": "two\n",
  "roster.yaml": "users: another sample\n",
  "Pulumi.prod.yaml": `# An example of two.\n${EXAMPLE.replace(/^.*\n/, "")}gained: value\n`,
};
const THIRD = { "library.ts": "three\n" };

/** What a site has done with the example: replaced it, as docs/getting-started.md does, or changed a line of it. */
const SITES = {
  replaced: { kept: "Pulumi.example.yaml", settings: "config: ours\n" },
  edited: { kept: undefined, settings: EXAMPLE.replace("value12", "ours") },
};

function begin({ kept, settings }: (typeof SITES)[keyof typeof SITES]): void {
  folder = mkdtempSync(join(root, "site-"));
  writeFileSync(at(".gitconfig"), "[user]\nname = admin\nemail = admin@people.test\n[init]\ndefaultBranch = master\n");
  mkdirSync(at("upstream"));
  bash(at("upstream"), "git init --quiet");
  release(FIRST);
  bash(folder, "git clone --quiet --origin upstream upstream site && git init --quiet --bare origin.git");
  if (kept !== undefined) site(`git mv Pulumi.prod.yaml ${kept}`);
  writeFileSync(at("site", "Pulumi.prod.yaml"), settings);
  writeFileSync(at("site", "roster.yaml"), "users: ours\n");
  writeFileSync(at("site", "ours.ts"), "ours\n");
  site("git add --all && git commit --quiet --message Ours && git remote add origin ../origin.git");
  site("git push --quiet --set-upstream origin master");
}

const forward = () => [fetched, merged, committed, landed].map(site);

describe.each(Object.entries(SITES))("a site that has %s the example", (_, made) => {
  beforeEach(() => {
    begin(made);
    release(SECOND);
  });

  test("keeps its settings and people over an upgrade, and is shown what the example gained", () => {
    const [, gained, own] = forward();
    expect([read("Pulumi.prod.yaml"), read("roster.yaml")]).toEqual([made.settings, "users: ours\n"]);
    expect([read("program.ts"), read("more.ts")]).toEqual(["two\n", "two\n"]);
    expect(gained).toContain("+gained: value");
    expect(read("Pulumi.example.yaml")).toBe(SECOND["Pulumi.prod.yaml"]);
    expect(own).toMatch(/^ ours\.ts \| 1 \+\n 1 file changed/);
    expect(site("git status --porcelain; git log --format=%P --max-count=1").trim().split(" ")).toHaveLength(2);
    expect(site("git rev-parse HEAD")).toBe(bash(at("origin.git"), "git rev-parse master"));
  });

  test("goes back by one commit, with its settings and people", () => {
    forward();
    site(back);
    expect([read("program.ts"), read("Pulumi.prod.yaml"), read("roster.yaml")]).toEqual([
      "one\n",
      made.settings,
      "users: ours\n",
    ]);
    expect(site("git status --porcelain; git ls-files")).not.toContain("more.ts");
    expect(site("git rev-parse HEAD")).toBe(bash(at("origin.git"), "git rev-parse master"));
  });

  test("gets the next version whole after it went back, and no mix of both", () => {
    forward();
    site(back);
    appendFileSync(at("site", "roster.yaml"), "joined: later\n");
    site("git commit --all --quiet --message Join && git push --quiet");
    release(THIRD);
    const [, , , own] = [fetched, again, merged, committed].map(site);
    site(landed);
    expect(own).toMatch(/^ ours\.ts \| 1 \+\n 1 file changed/);
    expect(["program.ts", "library.ts", "more.ts"].map(read)).toEqual(["two\n", "three\n", "two\n"]);
    expect([read("roster.yaml"), read("Pulumi.prod.yaml")]).toEqual(["users: ours\njoined: later\n", made.settings]);
  });
});

test("a conflict with the site's own program is in no commit until it is resolved", () => {
  begin(SITES.replaced);
  writeFileSync(at("site", "program.ts"), "ours\n");
  site("git commit --all --quiet --message 'Change the program' && git push --quiet");
  release(SECOND);
  expect([fetched, merged].map(site)[1]).toContain("UU program.ts");
  expect(() => site(committed)).toThrow(/unmerged files/);
});
