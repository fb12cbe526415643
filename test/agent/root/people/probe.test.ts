/** The few lines of shell that save a worker's start ask each remote what it has, and write nothing into a clone. */
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT } from "../../../house/sources.ts";
import { realHome, type RealHome } from "../../user/clones/real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

/** A clone of a remote, both in a home of their own. */
function prepare(): void {
  real = realHome();
  real.sh(
    "git init -q -b master up; cd up; echo one > readme; git add -A; git commit -qm one; git clone -q . ../code; mkdir ../.kube; touch ../mark; sleep 0.02",
  );
}
/** What the person's own files answer, and what the remotes do. */
function ask(how: "fetch" | "look"): readonly string[] {
  const answer = real.sh(`sh ${join(ROOT, "agent/files/probe.sh")} ${how} "$HOME" code; echo .`);
  const [own = "", theirs = ""] = answer.split("\n\n");
  return [own, theirs];
}
const WRITTEN = "find code/.git -newer mark | sort";

test.each([
  ["a commit", "echo two > readme; git commit -qam two"],
  ["a branch", "git branch other"],
  ["a tag", "git tag v1"],
  ["a branch that goes", "git branch -qD gone"],
])("what is new at the remote is seen, and nothing is written: %s", (_, change) => {
  prepare();
  real.sh("git -C up branch gone");
  const before = ask("fetch");
  expect(ask("fetch")).toEqual(before);
  real.sh(`cd up; ${change}`);
  const after = ask("fetch");
  expect([after[0], after[1] === before[1], real.sh(WRITTEN)]).toEqual([before[0], false, ""]);
});

test("a look asks no remote and says the same of the person's own files", () => {
  prepare();
  expect(ask("look")).toEqual([ask("fetch")[0], "."]);
  real.sh("mv up away");
  expect(ask("look")[1]).toBe(".");
  expect(() => ask("fetch")).toThrow(/does not appear to be a git repository/);
});

test.each([
  ["a refspec of the person's own", "git -C code config remote.origin.fetch '+refs/heads/*:refs/tags/*'"],
  ["a remote that is not to be fetched", "git -C code config remote.origin.skipFetchAll true"],
  [
    "a name that git takes for an option",
    "git -C code config remote.--upload-pack=x.fetch '+refs/heads/*:refs/remotes/x/*'",
  ],
  ["a configuration that git cannot read", "echo '[' >> code/.git/config"],
])("what the worker has to judge is left to it: %s", (_, change) => {
  prepare();
  real.sh(change);
  expect(() => ask("fetch")).toThrow();
});
