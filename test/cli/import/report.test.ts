/** The report says which other programs keep what is taken over, and what a stack that was deployed has already. */

import { expect, test } from "vitest";
import { type Findings, findingsOf, type ReportInput, reportText } from "../../../cli/import/report.ts";

const KEPT = "RoleBinding books/owner: still kept by the Helm release rights";
const found = (keepers: readonly string[], members: readonly object[] = [], held: readonly object[] = []): Findings =>
  findingsOf({
    people: { rows: [], strangers: [], open: [] },
    existing: { adopt: [], clashes: [], differences: [], keepers, held },
    declared: [],
    gathered: { seen: { hosts: [], members }, vault: { policies: [], entities: [] } },
    news: [],
  } as unknown as ReportInput);
const PROD = { stack: "prod", configFile: undefined };
const written = { folder: "import", osUsers: [], hasSeed: true };
const text = (keepers: readonly string[]) => reportText(found(keepers), written, PROD);

test("each sentence stands in a part of its own, which is left out where nobody else keeps anything", () => {
  expect(found([KEPT]).keepers).toEqual([KEPT]);
  expect(text([KEPT])).toContain(
    `\n\nStill kept by other programs, which would put it back or delete it after an adoption:\n  ${KEPT}\n`,
  );
  expect(text([])).not.toContain("Still kept");
});

test("a stack that was deployed keeps its ledger, and its own tokens are not announced as revoked", () => {
  const tokens = ["workstation ada"];
  const members = [
    { login: "Ada", tokens },
    { login: "bob", tokens },
  ];
  const token = { type: "forgejo:index:AccessToken", id: "1", inputs: { login: "ada" } };
  const findings = found([], members, [token]);
  expect(findings.differences).toEqual([expect.stringContaining("of bob bear this program's name")]);
  const report = reportText(findings, { ...written, hasSeed: false }, PROD);
  expect(report).toContain("1 are the stack's already.");
  expect(report).not.toContain("ledgerSeed");
  expect(reportText(findings, written, PROD)).toContain("config rm ledgerSeed");
});
