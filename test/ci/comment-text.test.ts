import fc from "fast-check";
import { expect, test } from "vitest";
import { commentText, MARKER, MAX_LENGTH } from "../../ci/pull-request/comment-text.ts";
import { emptyReport, type Report } from "../../ci/pull-request/preview-report.ts";

const COMMIT = "3f2c1b".padEnd(40, "0");
const FENCED = /^(`{3,})text\n[\s\S]*?\n\1$/gm;

test("rights that rise come first, then the plan, resources, what was there before, and what no preview reads", () => {
  const text = commentText({
    ...emptyReport(COMMIT),
    plan: ["dora joins as power-user on devvm."],
    raised: ["dora: a place as power-user"],
    change: [
      { op: "create", type: "Workstation", name: "dora@devvm" },
      { op: "update", type: "Command", name: "devvm-maps" },
    ],
    before: [{ op: "replace", type: "Command", name: "devvm-settle" }],
    unread: ["index.ts"],
    undeployed: ["ci/main.ts"],
    deployed: { commit: "7a".padEnd(40, "1"), time: "2026-11-28T18:00:00Z", hasUserMap: true },
  });
  expect(text).toMatchInlineSnapshot(`
    "<!-- workstation: preview -->

    ### Preview of 3f2c1b000000

    **Rights rise: pushed by anybody but an admin, this waits for an admin's confirmation**

    \`\`\`text
    dora: a place as power-user
    \`\`\`

    **What would happen to whom**

    \`\`\`text
    dora joins as power-user on devvm.
    \`\`\`

    **Resources that this change touches** (1 to create, 1 to update)

    \`\`\`text
    create  Workstation dora@devvm
    update  Command devvm-maps
    \`\`\`

    **Different before this change already**: the daily deployment brings these about, merged or not

    \`\`\`text
    replace Command devvm-settle
    \`\`\`

    **Not in this preview**: it runs the deployed program and reads only its data from here. Look at these files yourself

    \`\`\`text
    index.ts
    \`\`\`

    **On the base branch and not deployed**: this preview does not run these files either

    \`\`\`text
    ci/main.ts
    \`\`\`

    *Program and the user map as of the deployment of 7a1111111111, 2026-11-28T18:00:00Z.*
    "
  `);
});

test("without a change it says so in one line", () => {
  expect(commentText(emptyReport(COMMIT))).toContain("Nothing would change for anybody.");
});

/** What Markdown, the forge and a terminal would act on. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.constantFrom(
    "@wizard",
    "![x](http://evil.example/x.png)",
    "</code><script>alert(1)</script>",
    "```",
    "`````text",
    MARKER,
    "a\u202eb\u0007\u001b[31m",
    "line\nfeed\u2028and",
    "#1 !2 https://evil.example",
  ),
);
const resource = fc.record({ op: fc.constant("create"), type: hostile, name: hostile });
const report: fc.Arbitrary<Report> = fc.record({
  commit: hostile,
  ...{ problems: fc.array(hostile), plan: fc.array(hostile), brakes: fc.array(hostile), raised: fc.array(hostile) },
  ...{ warnings: fc.array(hostile), change: fc.array(resource), before: fc.array(resource), unread: fc.array(hostile) },
  undeployed: fc.array(hostile),
  deployed: fc.option(fc.record({ commit: hostile, time: hostile, hasUserMap: fc.boolean() })),
});

test("whatever the branch's names are, they stand inside fences, on lines of their own, and nowhere else", () => {
  fc.assert(
    fc.property(report, (given) => {
      const text = commentText(given);
      expect(text.startsWith(`${MARKER}\n`)).toBe(true);
      const outside = text.replaceAll(FENCED, "");
      expect(outside).not.toMatch(/`|@|\]\(|https?:|<(?!!-- workstation: preview -->)/);
      expect(outside.split(MARKER)).toHaveLength(2);
      expect(text.replaceAll("\n", "")).not.toMatch(/\p{C}/u);
    }),
  );
});

test("it is short however much there is to say, and says how much is left out", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `person-${index} joins`);
  const text = commentText({ ...emptyReport(COMMIT), plan: many, unread: many });
  expect(text).toContain("… and 9975 more");
  const wide = Array.from({ length: 25 }, () => "x".repeat(5_000));
  const cut = commentText({ ...emptyReport(COMMIT), ...{ plan: wide, raised: wide, warnings: wide, unread: wide } });
  expect(cut.length).toBeLessThanOrEqual(MAX_LENGTH);
  expect(cut).toContain("The rest is too long");
  expect(cut.replaceAll(FENCED, "")).not.toContain("`");
});
