/** Tests that a field of a row which changes nothing is a warning at its place, with the reason. */

import { expect, test } from "vitest";
import { expiredRows } from "../../roster/derive/expire-rows.ts";
import { fieldsWithoutSurface } from "../../roster/rules/fields-without-surface.ts";
import { derived, linesOf, policy, roster, rosterOf, row, TODAY } from "./support.ts";

const OWNER = "namespace-owner";

test.each([
  [
    "quota: {pods: 5}",
    "power-user",
    "6:5: warning: bob: quota has no effect, because a power-user owns no namespace; remove it, or make the tier namespace-owner",
  ],
  [
    "code_layout: single",
    "admin",
    "6:5: warning: bob: code_layout has no effect, because an admin's ~/code is their own and never touched; remove it, or lower the tier",
  ],
  [
    "forgejo: {login: bob, push: false}",
    "admin",
    "6:27: warning: bob: forgejo.push false has no effect, because an admin pushes in any case; remove it, or lower the tier",
  ],
  [
    "parked: true\nclaude_auth: true",
    "power-user",
    "7:5: warning: bob: claude_auth true has no effect while the person is parked, because nothing of theirs runs; remove it",
  ],
  [
    "previously:\n  forgejo_login: rob",
    "power-user",
    "7:7: warning: bob: previously.forgejo_login has no effect, because the row has no forgejo.login that it was renamed to; remove it, or add forgejo:",
  ],
])("%s of a row of tier %s", (fields, tier, expected) =>
  expect(linesOf(rosterOf(row("bob", fields, tier)))).toEqual([`roster.yaml:${expected}`]),
);

test("repositories of an admin, and the plan clones none for them", () => {
  const text = (repos: string) => rosterOf(row("bob", `code_layout: workspace\nrepos: [${repos}]`, "admin"));
  expect(linesOf(text("web"))).toEqual([
    expect.stringContaining(":6:5: warning: bob: code_layout has no effect"),
    expect.stringContaining(":7:5: warning: bob: repos has no effect"),
  ]);
  const { ledger } = derived(text("web")).desired;
  expect(derived(text("other"), { ledger }).plan).toEqual([]);
});

test.each([
  ["quota: {pods: 5}\nnamespaces: [shop]", OWNER],
  ["quota: {}\nrepos: []", "power-user"],
  ["forgejo: {login: bob, push: true}", "admin"],
  ["forgejo: {login: bob, push: false}", "power-user"],
  ["parked: true\nclaude_auth: false", "power-user"],
  ["previously: {email: old@x.org}", "power-user"],
])("nothing is said of %s in a row of tier %s", (fields, tier) =>
  expect(linesOf(rosterOf(row("bob", fields, tier)))).toEqual([]),
);

test("a row of whom the last day has passed, whether they were ever here or not", () => {
  const text = rosterOf(row("ada", "", "admin"), row("bob", "until: 2026-01-31"));
  const said =
    "2026-01-31 has passed, so bob has no access and no other field of the row has any effect; remove the row, or write a later day";
  const lines = expiredRows(roster(text), TODAY, policy()).map(({ line, column, severity, message }) => [
    line,
    column,
    severity,
    message,
  ]);
  expect(lines).toEqual([[10, 12, "warning", `until: ${said}`]]);
  const { ledger } = derived(text, { today: "2026-01-01" }).desired;
  const gone = derived(text, { ledger });
  const later = derived(text, { ledger: gone.desired.ledger });
  expect([gone, later].map(({ warnings }) => warnings.map(({ message }) => message))).toEqual([
    [`until: ${said}`],
    [`until: ${said}`],
  ]);
  expect(
    derived(text, { ledger: derived(rosterOf(row("ada", "", "admin"))).desired.ledger }).warnings.map(
      ({ message }) => message,
    ),
  ).toEqual(["until: 2026-01-31 has passed and bob never had anything here, so nothing is made; remove the row"]);
});

test("while addsOnly is on, who has access keeps it after the last day, and nothing says otherwise", () => {
  const text = rosterOf(row("ada", "", "admin"), row("bob", "until: 2026-01-31"));
  const { ledger } = derived(text, { today: "2026-01-01" }).desired;
  const stack = { addsOnly: true };
  const said = ({ warnings, plan }: ReturnType<typeof derived>) => [...warnings.map(({ message }) => message), ...plan];
  expect(said(derived(text, { ledger, stack, today: "2026-01-31" }))).toEqual([
    "bob's last day is 2026-01-31 (today); while addsOnly suspends removals, their access stays after it.",
  ]);
  const kept = derived(text, { ledger, stack });
  expect([said(kept), kept.raised]).toEqual([
    [
      "until: 2026-01-31 has passed, but bob keeps what they have while addsOnly suspends removals, and no other field of the row has any effect; remove the row, or write a later day",
      "bob would lose every access; addsOnly holds that back.",
    ],
    [],
  ]);
  const gone = derived(text, { ledger }).desired.ledger;
  expect(said(derived(text, { ledger: gone, stack }))).toEqual([
    "until: 2026-01-31 has passed, so bob has no access and no other field of the row has any effect; remove the row, or write a later day",
  ]);
});

test("parts of a surface that the stack does not have", () => {
  const loaded = roster(rosterOf(row("bob", "forgejo: {login: bob}\nnamespaces: [shop]\nquota:\n  pods: 5", OWNER)));
  const lines = (...surfaces: Parameters<typeof fieldsWithoutSurface>[1]) =>
    fieldsWithoutSurface(loaded, surfaces).map(({ line, column, message }) => `${line}:${column}: ${message}`);
  expect(lines("forge", "cluster")).toEqual([]);
  expect(lines("Vault")).toEqual([
    "6:5: forgejo has no effect, because this stack manages no forge (workstation:forgejo); remove it, or set that",
    "8:5: quota has no effect, because this stack manages no cluster (workstation:cluster); remove it, or set that",
  ]);
});
