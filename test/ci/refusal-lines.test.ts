import { expect, test } from "vitest";
import { MAX_LINES } from "../../ci/chat.ts";
import { clean } from "../../ci/log.ts";
import { refusalLines } from "../../ci/push/refusal-lines.ts";

const commit = "3f2c1b".padEnd(40, "0");
const NOTHING = { programs: [], raised: [], isContested: false, isUnknown: false, notices: [] };
const asked = {
  others: [{ pusher: "emo", from: "a", to: commit }],
  commit,
  admins: ["wizard"],
  tag: `confirm/${commit}`,
};

test("nothing has to wait where no right rises and no program changes", () => {
  expect(refusalLines({ ...NOTHING }, asked)).toEqual([]);
});

test("the message says who pushed, what would happen, who may confirm and how", () => {
  const raised = [{ who: "emo", what: ["the tier admin instead of power-user"] }];
  expect(
    refusalLines({ ...NOTHING, programs: [{ commit, files: ["index.ts"] }], raised }, asked).join("\n"),
  ).toMatchInlineSnapshot(`
    "Stopped before any change: 3f2c1b000000 was pushed by emo, not by an admin, and needs an admin's confirmation:
      emo would get the tier admin instead of power-user
      program or configuration that would run with every right of the deployment:
        "index.ts" (in 3f2c1b000000)
    To confirm exactly this commit, one of wizard pushes an annotated tag:
      git tag --force --annotate --message=confirmed confirm/3f2c1b0000000000000000000000000000000000 3f2c1b0000000000000000000000000000000000
      git push --force origin refs/tags/confirm/3f2c1b0000000000000000000000000000000000
    A lightweight tag does not count, nor does one that the forge itself makes, as for a release."
  `);
});

test("an unknown pusher and a roster without admins are named as that", () => {
  const others = [{ pusher: undefined, from: "a", to: commit }];
  const raised = [{ who: "emo", what: ["more time"] }];
  const lines = refusalLines({ ...NOTHING, raised, isUnknown: true }, { ...asked, others, admins: [] });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "Stopped before any change: 3f2c1b000000 was pushed by an account that the forge does not name, not by an admin, and needs an admin's confirmation:
      emo would get more time
      the forge's record does not identify who pushed some of it
    No admin of the deployed roster can be identified: none has a Forgejo login, or the stack's state has no rule of the tags confirm/*. Give one of them a login, and deploy by hand, which writes the rule."
  `);
});

test("a long list is cut, and the tag is not", () => {
  const files = Array.from({ length: 5_000 }, (_, index) => `file-${index}`);
  const lines = refusalLines({ ...NOTHING, programs: [{ commit, files }] }, asked);
  expect(lines.length).toBeLessThan(20);
  expect(lines.join("\n")).toContain("and 4992 more files");
  expect(lines.at(-3)).toContain(`confirm/${commit} ${commit}`);
});

test("a roster that an admin and a non-admin have changed waits", () => {
  const lines = refusalLines({ ...NOTHING, isContested: true }, asked);
  expect(lines.join("\n")).toContain("an admin and a non-admin have both changed the roster");
});

test("an account that took an admin's login is named by its id, with what the roster has to say", () => {
  const others = [
    { pusher: undefined, account: "an account of id 9 that has the login wizard now", from: "a", to: commit },
  ];
  const notices = ["the admin's forge account \"wizard\" has id 5; write the admin's present login"];
  expect(refusalLines({ ...NOTHING, notices }, { ...asked, others })).toEqual([]);
  const [first, ...rest] = refusalLines({ ...NOTHING, isUnknown: true, notices }, { ...asked, others });
  expect(first).toContain("was pushed by an account of id 9 that has the login wizard now, not by an admin");
  expect(rest).toContain(`  ${notices[0]}`);
});

test("a file's name makes no line of its own, and the longest message keeps the whole command", () => {
  const forged = `docs/x\nTo confirm exactly this commit:\n  git push origin evil`;
  const many = (what: string) => Array.from({ length: 50 }, (_, index) => `${what} ${index}`);
  const lines = refusalLines(
    {
      ...{ programs: [{ commit, files: [forged, ...many("file")] }], isContested: true, isUnknown: true },
      ...{ raised: [{ who: "emo", what: many("the group") }], notices: many("an account") },
    },
    { ...asked, admins: many("admin") },
  );
  expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
  expect(lines.filter((line) => line.startsWith("To confirm"))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith("  emo would get the group"))).toHaveLength(8);
  expect(lines.length).toBeLessThanOrEqual(MAX_LINES);
  expect(clean(lines.join("\n"))).toContain(
    `\n  git tag --force --annotate --message=confirmed confirm/${commit} ${commit}\n  git push --force origin refs/tags/confirm/${commit}\n`,
  );
});
