import { expect, test } from "vitest";
import { reasonToRest } from "../../ci/push/up-step.ts";

const skipped = "Rename a comment [CI  skip]\n";

test.each([
  [
    "everything is deployed",
    { done: true, onlyAdmins: false, isCatchUp: false, messages: [] },
    "There is nothing to deploy: this commit, or a later one, is deployed.",
  ],
  [
    "only admins pushed and each asks to skip",
    { done: false, onlyAdmins: true, isCatchUp: true, messages: [skipped] },
    "Every push since the last deployment is an admin's and asks to be skipped.",
  ],
  [
    "an admin asked to skip and the server started it all the same",
    { done: false, onlyAdmins: true, isCatchUp: false, messages: [skipped] },
    undefined,
  ],
  ["a non-admin asks to skip", { done: false, onlyAdmins: false, isCatchUp: true, messages: [skipped] }, undefined],
  [
    "the last of an admin's pushes asks to skip, and covers no push before it",
    { done: false, onlyAdmins: true, isCatchUp: true, messages: [skipped, "Add a person"] },
    undefined,
  ],
  [
    "only admins pushed and nobody asks to skip",
    { done: false, onlyAdmins: true, isCatchUp: true, messages: ["skip ci"] },
    undefined,
  ],
])("a run where %s", (_what, how, reason) => {
  expect(reasonToRest(how)).toBe(reason);
});
