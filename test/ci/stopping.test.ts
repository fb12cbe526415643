import { expect, test } from "vitest";
import { stopping } from "../../ci/push/stopping.ts";

const commit = "3f2c1b".padEnd(40, "0");
const asked = {
  others: [{ pusher: "emo", from: "a", to: commit }],
  commit,
  admins: ["wizard"],
  tag: `confirm/${commit}`,
};

test("nothing has to wait where no right rises and no program changes", () => {
  expect(stopping({ files: [], raised: [] }, asked)).toEqual([]);
});

test("the message says who pushed, what would happen, who may confirm and how", () => {
  const raised = [{ who: "emo", what: ["the tier admin instead of power-user"] }];
  expect(stopping({ files: ["index.ts"], raised }, asked).join("\n")).toMatchInlineSnapshot(`
    "Stopped before any change: 3f2c1b000000 was pushed by emo, no admin, and needs an admin's word:
      emo would get the tier admin instead of power-user
      program or configuration that would run with every right of the deployment:
        index.ts
    To confirm exactly this commit, one of wizard pushes a tag: git tag confirm/3f2c1b0000000000000000000000000000000000 3f2c1b0000000000000000000000000000000000 && git push origin refs/tags/confirm/3f2c1b0000000000000000000000000000000000"
  `);
});

test("an unknown pusher, a branch that leads from elsewhere and a roster without admins are said as that", () => {
  const others = [{ pusher: undefined, from: "a", to: commit }];
  const lines = stopping({ rewritten: "f".repeat(40), files: [], raised: [] }, { ...asked, others, admins: [] });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "Stopped before any change: 3f2c1b000000 was pushed by somebody whom the forge does not name, no admin, and needs an admin's word:
      the branch no longer leads from the deployed commit ffffffffffff
    No admin of the deployed roster has a Forgejo login: deploy by hand, and give one of them a login."
  `);
});

test("a long list is cut, and the tag is not", () => {
  const files = Array.from({ length: 5_000 }, (_, index) => `file-${index}`);
  const lines = stopping({ files, raised: [] }, asked);
  expect(lines.length).toBeLessThan(20);
  expect(lines.join("\n")).toContain("and 4990 more files");
  expect(lines.at(-1)).toContain(`git tag confirm/${commit} ${commit}`);
});
