import { expect, test } from "vitest";
import { reasonToRest } from "../../ci/push/up.ts";

const skipped = "Rename a comment [CI  skip]\n";

test.each([
  ["everything is deployed", { done: true, onlyAdmins: false, message: "x" }, "Everything on the branch is deployed."],
  [
    "only admins pushed and one asks to skip",
    { done: false, onlyAdmins: true, message: skipped },
    "An admin asked to skip this commit.",
  ],
  ["somebody else asks to skip", { done: false, onlyAdmins: false, message: skipped }, undefined],
  ["only admins pushed and nobody asks to skip", { done: false, onlyAdmins: true, message: "skip ci" }, undefined],
])("a scheduled run where %s", (_what, how, reason) => {
  expect(reasonToRest(how)).toBe(reason);
});
