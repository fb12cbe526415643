/** The report says which other programs keep what is taken over. */

import { expect, test } from "vitest";
import { type Findings, findingsOf, type ReportInput, reportText } from "../../../cli/import/report.ts";

const KEPT = "RoleBinding books/owner: still kept by the Helm release rights";
const found = (keepers: readonly string[]): Findings =>
  findingsOf({
    people: { rows: [], strangers: [], open: [] },
    existing: { adopt: [], clashes: [], differences: [], keepers },
    declared: [],
    gathered: { seen: { hosts: [], members: [] }, vault: { policies: [], entities: [] } },
    news: [],
  } as unknown as ReportInput);
const text = (keepers: readonly string[]) =>
  reportText(found(keepers), "import", [], { stack: "prod", configFile: undefined });

test("each sentence stands in a part of its own, which is left out where nobody else keeps anything", () => {
  expect(found([KEPT]).keepers).toEqual([KEPT]);
  expect(text([KEPT])).toContain(
    `\n\nStill kept by other programs, which would put it back or delete it after an adoption:\n  ${KEPT}\n`,
  );
  expect(text([])).not.toContain("Still kept");
});
