/** People who were removed for good: forgotten by the program, and never by the ledger. */

import { expect, test } from "vitest";
import { derived, rosterOf, row, tried, user } from "./support.ts";

const ada = row("ada", "", "admin");
const here = derived(rosterOf(ada, row("bob")));
const away = derived(rosterOf(ada), { ledger: here.desired.ledger, stack: { confirmLeave: ["bob"] } });

test("whom the stack names as removed is forgotten, is marked in the ledger, and is said once", () => {
  const first = derived(rosterOf(ada), { ledger: away.desired.ledger, stack: { removed: ["bob"] } });
  expect([...first.desired.left.keys()]).toEqual([]);
  expect(first.desired.ledger.people.get(user("bob"))).toMatchObject({ uid: 20_001, removedOn: "2026-11-22" });
  expect(first.plan.join("\n")).toContain("bob was removed for good");
  expect(first.plan.join("\n")).toContain("the uid 20001 stays theirs, the ports 3774 and 8932 are free");
  expect(first.brakes).toEqual([]);
  const second = derived(rosterOf(ada), {
    ledger: first.desired.ledger,
    stack: { removed: ["bob"] },
    today: "2027-01-01",
  });
  expect([second.plan, second.desired.ledger]).toEqual([[], first.desired.ledger]);
});

test("a name that nobody has or had is a warning, so that a typing error is seen and stops nobody", () => {
  const { warnings, desired } = derived(rosterOf(ada), { ledger: away.desired.ledger, stack: { removed: ["bbo"] } });
  expect(warnings.map(({ message }) => message).join()).toContain('workstation:removed names "bbo"');
  expect([...desired.left.keys()]).toEqual(["bob"]);
});

test.each([
  [
    "on the roster",
    rosterOf(ada, row("bob")),
    here.desired.ledger,
    /is on the roster and among those who were removed/,
  ],
  ["leaving with this very run", rosterOf(ada), here.desired.ledger, /who has not left yet/],
])("somebody %s is not removed", (_where, text, ledger, message) => {
  const result = tried(text, { ledger, stack: { removed: ["bob"], confirmLeave: ["bob"] } });
  expect(result.ok ? "" : result.problems.map((problem) => problem.message).join()).toMatch(message);
});
