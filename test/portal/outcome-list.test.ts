/** Tests what the portal says after a restore: each sentence holds in its case. */
import { expect, test } from "vitest";
import type { RestoreAnswer } from "../../agent/shared/facts/facts-schemas.ts";
import { outcomeList } from "../../portal/page/outcome-list.ts";

type Found = Extract<RestoreAnswer["people"][number], { found: unknown }>["found"];
const recorded = { recorded: [], recordedAtMs: 0, seenAtMs: 0 };
const runs: Found = [
  { name: "dev", how: "there" },
  { name: "web", how: "there" },
];
const inUse: Found = [{ name: "dev", how: "there", why: "its name is in use" }];

test.each([
  ["nothing was recorded", [], { recorded: [] }, "Nothing has been saved yet", "There is no record to bring back"],
  ["all are forgotten", [], recorded, "Nothing was brought back", "Every session of this record was forgotten"],
  ["nothing can be told", [], undefined, "Nothing was brought back", "none was saved, or all of them are forgotten"],
  ["all of them run", runs, recorded, "Nothing was missing", "All of these sessions are running."],
  ["a name is in use", inUse, recorded, "Nothing was brought back", "left alone: its name is in use"],
] as const)("where %s, the answer to a restore says so", (_, found, saved, title, sentence) => {
  const { text } = outcomeList({ who: "emo", found: [...found] }, saved && { ...saved, recorded: [] });
  expect(text).toContain(`<h2>${title}</h2>`);
  expect(text).toContain(sentence);
  expect(text.includes("are running")).toBe(found === runs);
});
