import { expect, test } from "vitest";
import { reasonToRest } from "../../ci/push/up.ts";

const skipped = "Rename a comment [CI  skip]\n";

test.each([
  [
    "everything is deployed",
    { done: true, onlyAdmins: false, isCatchUp: false, message: "x" },
    "There is nothing to deploy: this commit, or a later one, is deployed.",
  ],
  [
    "only admins pushed and one asks to skip",
    { done: false, onlyAdmins: true, isCatchUp: true, message: skipped },
    "An admin asked to skip this commit.",
  ],
  [
    "an admin asked to skip and the server started it all the same",
    { done: false, onlyAdmins: true, isCatchUp: false, message: skipped },
    undefined,
  ],
  ["a non-admin asks to skip", { done: false, onlyAdmins: false, isCatchUp: true, message: skipped }, undefined],
  [
    "only admins pushed and nobody asks to skip",
    { done: false, onlyAdmins: true, isCatchUp: true, message: "skip ci" },
    undefined,
  ],
])("a run where %s", (_what, how, reason) => {
  expect(reasonToRest(how)).toBe(reason);
});
