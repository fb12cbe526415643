import { expect, test } from "vitest";
import { refusalLines } from "../../ci/push/refusal-lines.ts";

const commit = "3f2c1b".padEnd(40, "0");
const asked = {
  others: [{ pusher: "emo", from: "a", to: commit }],
  commit,
  admins: ["wizard"],
  tag: `confirm/${commit}`,
};

test("nothing has to wait where no right rises and no program changes", () => {
  expect(refusalLines({ programs: [], raised: [] }, asked)).toEqual([]);
});

test("the message says who pushed, what would happen, who may confirm and how", () => {
  const raised = [{ who: "emo", what: ["the tier admin instead of power-user"] }];
  expect(
    refusalLines({ programs: [{ commit, files: ["index.ts"] }], raised }, asked).join("\n"),
  ).toMatchInlineSnapshot(`
    "Stopped before any change: 3f2c1b000000 was pushed by emo, not by an admin, and needs an admin's confirmation:
      emo would get the tier admin instead of power-user
      program or configuration that would run with every right of the deployment:
        index.ts (in 3f2c1b000000)
    To confirm exactly this commit, one of wizard pushes a tag: git tag confirm/3f2c1b0000000000000000000000000000000000 3f2c1b0000000000000000000000000000000000 && git push origin refs/tags/confirm/3f2c1b0000000000000000000000000000000000"
  `);
});

test("an unknown pusher and a roster without admins are named as that", () => {
  const others = [{ pusher: undefined, from: "a", to: commit }];
  const raised = [{ who: "emo", what: ["more time"] }];
  const lines = refusalLines({ programs: [], raised }, { ...asked, others, admins: [] });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "Stopped before any change: 3f2c1b000000 was pushed by an account that the forge does not name, not by an admin, and needs an admin's confirmation:
      emo would get more time
    No admin of the deployed roster has a Forgejo login: deploy by hand, and give one of them a login."
  `);
});

test("a long list is cut, and the tag is not", () => {
  const files = Array.from({ length: 5_000 }, (_, index) => `file-${index}`);
  const lines = refusalLines({ programs: [{ commit, files }], raised: [] }, asked);
  expect(lines.length).toBeLessThan(20);
  expect(lines.join("\n")).toContain("and 4990 more files");
  expect(lines.at(-1)).toContain(`git tag confirm/${commit} ${commit}`);
});
