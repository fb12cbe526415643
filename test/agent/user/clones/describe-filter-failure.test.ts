/** A failure is blamed on the program that failed, by its name and in its own words: real git, real filters, real helpers. */
import { existsSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { cloneFacts } from "../../../../agent/user/facts/clone-status.ts";
import { repoClones } from "../../../../agent/user/clones/clone-missing.ts";
import { describeFilterFailure } from "../../../../agent/user/clones/describe-filter-failure.ts";
import { fastForwardChanges } from "../../../../agent/user/clones/fast-forward.ts";
import { fetchRemotes } from "../../../../agent/user/clones/fetch-remotes.ts";
import { findUnsafeState } from "../../../../agent/user/clones/find-unsafe-state.ts";
import { gitIn } from "../../../../agent/lib/git.ts";
import { ownGitEnvironment } from "../../../../agent/lib/git-environment.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

/** A clone that is one commit behind; `new` and `other` come with the update, and `new` passes a filter. */
function behind(begin: string): string {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; echo hello > readme; git add -A; git commit -qm one; git clone -q . ../code
echo theirs > readme; echo n > new; echo o > other; git add -A; git commit -qm two; cd ../code; git fetch -q
echo 'new filter=lfs' > .git/info/attributes; ${begin}`);
  return `${real.home}/code`;
}

const tree = () =>
  real.sh("cd code; git rev-parse HEAD; git ls-files --stage; find . -path ./.git -prune -o -print; cat readme");

/** As `git lfs install` configures it, with a program that does this. */
const lfs = (does: string, mode = 755) => `printf '#!/bin/sh\\n%s\\n' '${does}' > ../git-lfs; chmod ${mode} ../git-lfs
git config filter.lfs.required true; git config filter.lfs.process "$PWD/../git-lfs filter-process"; git config filter.lfs.clean cat`;

const READS = "head -c 1 > /dev/null;";

test.each([
  ["is not executable", lfs("", 644), "git-lfs: Permission denied"],
  ["is missing", `${lfs("")}; rm ../git-lfs`, "git-lfs: not found"],
  ["ends with its own words", lfs(`${READS} echo the quota is used up >&2; exit 2`), "the quota is used up"],
  ["is killed", lfs(`${READS} kill -9 $$`), "failed: Killed"],
  ["ends without a word", lfs(`${READS} exit 1`), "it ended without a message"],
  ["does not speak git's protocol", lfs("echo hello world; cat > /dev/null"), "protocol error"],
])("a long-running filter that %s is named with its program, and no remote is blamed", async (_, begin, why) => {
  // Another one is configured, which none of the update's files passes.
  const clone = behind(`${begin}; git config filter.annex.process 'git-annex filter-process'`);
  const before = tree();
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned).toEqual([expect.stringContaining(why)]);
  expect(real.warned[0]).toContain("~/code was not updated, and is as it was before: ");
  expect(real.warned[0]).toContain(`the filter lfs (git-lfs) failed: `);
  expect(real.warned[0]).not.toMatch(/the remote end|annex/);
  expect(tree()).toBe(before);
});

test("where the update brings the attributes, every long-running filter may be the one, and no argument is told", async () => {
  const clone = behind(
    "git config filter.lfs.process 'git-lfs --token s3cret'; git config filter.crypt.process '/opt/crypt -k s3cret'",
  );
  const ran = {
    argv: [],
    code: 128,
    stdout: "",
    stderr: "fatal: the remote end hung up unexpectedly\n",
    timedOut: false,
    overflowed: false,
  };
  const paths = ["new", "sub/.gitattributes"];
  expect(await describeFilterFailure(real.place, clone, ran, paths)).toBe(
    "the filter lfs (git-lfs) or crypt (crypt) failed: it ended without a message",
  );
});

test.each([
  ["process", "f --key s3cret", "the filter vault (f) failed: f: not found"],
  ["smudge", "f --key s3cret", "f: not found; error: external filter 'f …' failed 127; fatal: new: smudge"],
  ["process", "TOKEN=s3cret f --x", "the filter vault (f) failed: f: not found"],
  [
    "smudge",
    "TOKEN=s3cret f s3cret %f s3cret",
    "f: not found; error: external filter 'f …' failed 127; fatal: new: sm",
  ],
  ["process", "'/opt/my tools/f' --k=s3cret", "the filter vault failed: /opt/my tools/f: not found"],
  ["smudge", "TOKEN='a s3cret' f", "f: not found; error: external filter 'vault' failed 127; fatal: new: smudge"],
  ["smudge", "f --key=s3cret &&\ng --key s3cret", "f: not found; error: external filter 'f …' failed 127; fatal: new"],
  ["smudge", "if f s3cret; then (s3cret; fi", 'Syntax error: "fi" unexpected'],
  ["smudge", `f ${"--key s3cret ".repeat(400)}`, "f: not found; error: external filter 'f …"],
])("no argument of a configured %s is told by an update that fails: %#", async (kind, command, why) => {
  const clone = behind(`echo 'new filter=vault' > .git/info/attributes
git config filter.vault.required true; git config filter.vault.clean cat
git config filter.vault.${kind} "$(cat <<'END'\n${command}\nEND\n)"`);
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned[0]).toContain(`~/code was not updated, and is as it was before: ${why}`);
  expect(real.warned.join()).not.toContain("s3cret");
});

test("no argument of a filter that only compares is told, with any letter in it", async () => {
  const clone = behind(`echo 'readme filter=vault' > .git/info/attributes; git config filter.vault.required true
git config filter.vault.clean 'f --key "é s3cret"'; touch -d 2020-01-01 readme`);
  const unsafe = await findUnsafeState(real.place, clone);
  expect(unsafe?.reason).toContain("f: not found; error: external filter 'f …' failed 127");
  expect(unsafe?.reason).not.toContain("s3cret");
});

test("no argument of a credential helper, or of a local remote's program, is told by a fetch that fails", async () => {
  const clone =
    behind(`git config remote.origin.uploadpack 'up --key s3cret "x"'; git config remote.web.fetch +refs/heads/*:refs/remotes/web/*
git config remote.web.url http://127.0.0.1:9/x; git config credential.helper '!f --key "s3cret"'`);
  const git = gitIn(real.home, ownGitEnvironment(real.home, "somebody", {}));
  await fetchRemotes({ ...real.place, git }, clone);
  expect(real.warned).toHaveLength(2);
  expect(real.warned.join()).toContain("could not be fetched: up: not found");
  const filled = await git.run(["credential", "fill"], { in: clone, input: "protocol=https\nhost=x.invalid\n\n" });
  expect(filled.stderr).toMatch(/^f … get: 1: f: not found$/m);
  expect(filled.stderr + real.warned.join()).not.toContain("s3cret");
});

test("a long-running filter that has ended before git writes to it is named alike", async () => {
  const clone = behind("git config filter.lfs.process 'git-lfs filter-process'");
  const stderr = `git-lfs: not found
error: packet write with format failed
error: Could not write client identification
error: initialization for subprocess 'git-lfs filter-process' failed
fatal: new: smudge filter lfs failed
`;
  const ran = { argv: [], code: 128, stdout: "", stderr, timedOut: false, overflowed: false };
  expect(await describeFilterFailure(real.place, clone, ran)).toBe(
    "the filter lfs (git-lfs) failed: git-lfs: not found; fatal: new: smudge filter lfs failed",
  );
});

test("a long-running filter that keeps a clone from being compared with its commit is named", async () => {
  behind(
    `${lfs(`${READS} echo broken >&2; exit 2`)}; echo '* filter=lfs' > .git/info/attributes; touch -d 2020-01-01 readme`,
  );
  const facts = await cloneFacts(real.home, { ...real.place.part, layout: "single" });
  expect(facts).toMatchObject([{ path: "~/code", state: "kept" }]);
  expect(facts[0]?.why).toBe(
    `cannot be compared with its last commit, so it is not updated (behind 1): the filter lfs (git-lfs) failed: broken`,
  );
});

test("a filter that ends is named with what it wrote", async () => {
  const clone = behind(`git config filter.lfs.required true; git config filter.lfs.clean cat
git config filter.lfs.smudge 'echo Error downloading object >&2; false'`);
  const [change] = await fastForwardChanges(real.place, clone, new Set());
  expect(await change?.apply()).toBe("not done");
  expect(real.warned[0]).toMatch(
    /: Error downloading object; error: external filter '[^']*' failed 1; fatal: new: smudge filter lfs failed$/,
  );
});

test("a long-running filter that keeps a clone from being made is named, and nothing is left of the clone", async () => {
  real = realHome({ layout: "workspace", repos: [{ name: "tools", url: "" }] });
  real.sh(`git init -q -b master up; cd up; echo '* filter=lfs' > .gitattributes; git add -A; git commit -qm one; mkdir ../code
git config --global filter.lfs.process 'git-lfs filter-process'; git config --global filter.lfs.required true
printf '#!/bin/sh\n${READS} echo broken >&2; exit 2\n' > ../git-lfs; chmod 755 ../git-lfs`);
  const place = {
    ...real.place,
    part: { ...real.place.part, repos: [{ name: "tools", url: `file://${real.home}/up` }] },
    git: gitIn(real.home, ownGitEnvironment(real.home, "somebody", { PATH: `${real.home}:/usr/bin:/bin` })),
  };
  const [change] = await repoClones(place).differences();
  expect(await change?.apply()).toBe("not done");
  expect(real.warned).toEqual([
    "~/code/tools could not be cloned and is retried by the next run: the filter lfs (git-lfs) failed: broken",
  ]);
  expect(existsSync(`${real.home}/code/tools`)).toBe(false);
});

test("no argument of a filter that only the new clone's settings have is told", async () => {
  real = realHome({ layout: "workspace" });
  real.sh(`git init -q -b master up; cd up; echo '* filter=vault' > .gitattributes; git add -A; git commit -qm one; mkdir ../code
git config --file ../vault filter.vault.required true
git config --file ../vault filter.vault.smudge "$(printf 'f --key s3cret "x" &&\\\\\\ng s3cret')"
git config --global includeIf.gitdir:~/code/.path vault`);
  const git = gitIn(real.home, ownGitEnvironment(real.home, "somebody", {}));
  const part = { ...real.place.part, repos: [{ name: "tools", url: `file://${real.home}/up` }] };
  const [change] = await repoClones({ ...real.place, part, git }).differences();
  expect(await change?.apply()).toBe("not done");
  expect(real.warned[0]).toContain("f: not found; error: external filter 'f …' failed 127");
  expect(real.warned.join()).not.toContain("s3cret");
});

test.each([
  ["ssh's reason", "ssh://git@nowhere.invalid/x", "true", /hostname nowhere\.invalid: [^;]*\w; fatal:|ssh: not found/],
  [
    "a remote's program that is missing",
    "../up",
    "git config remote.origin.uploadpack /nowhere/up",
    /\/nowhere\/up: not found/,
  ],
  [
    "a remote's program that is killed",
    "../up",
    "git config remote.origin.uploadpack 'kill -9 $$ #'",
    /hung up|Could not read/,
  ],
])("a remote that cannot be fetched is named with %s", async (_, url, begin, why) => {
  const clone = behind(`git config remote.origin.url ${url}; ${begin}`);
  const git = gitIn(real.home, ownGitEnvironment(real.home, "somebody", {}));
  await fetchRemotes({ ...real.place, git }, clone);
  expect(real.warned).toEqual([expect.stringMatching(/^~\/code: the remote origin could not be fetched: /)]);
  expect(real.warned[0]).toMatch(why);
});
