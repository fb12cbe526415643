/** People who were removed for good: forgotten by the program, and never by the ledger. */

import { expect, test } from "vitest";
import type { Derivation } from "../../roster/derive/derive.ts";
import { type Surface, type Undelivered, withoutSurface } from "../../roster/undelivered-changes.ts";
import { derived, rosterOf, row, SURFACES, tried, user } from "./support.ts";

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

test("whose leave has not reached a surface stays offboarded until it has, and is forgotten then", () => {
  const leave = derived(rosterOf(ada), { ledger: here.desired.ledger, stack: { confirmLeave: ["bob"] } });
  const only = (result: Derivation, ...open: readonly Surface[]) => ({
    ledger: result.desired.ledger,
    undelivered: SURFACES.filter((surface) => !open.includes(surface)).reduce<Undelivered>(
      withoutSurface,
      result.undelivered,
    ),
    stack: { removed: ["bob"] },
  });
  const kept = derived(rosterOf(ada), only(leave, "forge", "Vault"));
  expect([...kept.desired.left.keys()]).toEqual(["bob"]);
  expect(kept.desired.ledger.people.get(user("bob"))?.removedOn).toBeUndefined();
  expect(kept.warnings.map(({ message }) => message)).toEqual([
    "workstation:removed names bob, whose leave has not reached forge and Vault; they stay offboarded until a deployment completes there",
  ]);
  expect(kept.plan).toEqual([
    expect.stringMatching(/^bob is offboarded.*did not complete on forge and Vault\.$/) as string,
  ]);
  const done = derived(rosterOf(ada), only(kept));
  expect([[...done.desired.left.keys()], done.warnings]).toEqual([[], []]);
  expect(done.plan.join()).toContain("bob was removed for good");
});
