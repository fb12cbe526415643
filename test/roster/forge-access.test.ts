import fc from "fast-check";
import { expect, test } from "vitest";
import { forgejoAccess, planLogins } from "../../roster/forge-access.ts";
import { people, yamlOf } from "./generators.ts";
import { derived, PROPERTY, rosterOf, row, RUNS } from "./support.ts";

test("admins and people with push are on the whitelist; every non-admin with a login is a collaborator", () => {
  const before = derived(
    rosterOf(
      row("ada", "forgejo: {login: Ada}", "admin"),
      row("bob", "forgejo: {login: bob, push: true}"),
      row("carol", "forgejo: {login: carol}"),
      row("dan"),
    ),
  );
  const after = derived(
    rosterOf(row("ada", "forgejo: {login: Ada}", "admin"), row("carol", "forgejo: {login: carol}")),
    { ledger: before.desired.ledger },
  );
  expect([forgejoAccess(before.desired), forgejoAccess(after.desired)]).toEqual([
    { admins: ["Ada"], whitelist: ["Ada", "bob"], collaborators: ["bob", "carol"], former: [], successors: new Map() },
    { admins: ["Ada"], whitelist: ["Ada"], collaborators: ["carol"], former: ["bob"], successors: new Map() },
  ]);
});

test("a login that somebody gave up stays a former one, with what they are called today, until somebody has it again", () => {
  const rosters = [
    rosterOf(row("bob", "forgejo: {login: bob}"), row("carol", "forgejo: {login: carol}")),
    rosterOf(row("bob", "forgejo: {login: robert}"), row("carol")),
    rosterOf(row("bob", "forgejo: {login: Robert}"), row("carol")),
    rosterOf(row("bob", "forgejo: {login: bob}"), row("carol", "forgejo: {login: ROBERT}")),
    rosterOf(row("carol")),
  ];
  let ledger = derived(rosterOf(row("dan"))).desired.ledger;
  const former = rosters.map((roster) => {
    const { desired } = derived(roster, { ledger });
    ({ ledger } = desired);
    const access = forgejoAccess(desired);
    return [access.former, Object.fromEntries(access.successors)];
  });
  expect(former).toEqual([
    [[], {}],
    [["bob", "carol"], { bob: "robert" }],
    [["bob", "carol"], { bob: "Robert" }],
    [["carol"], { carol: "ROBERT" }],
    [["ROBERT", "bob", "carol"], {}],
  ]);
});

test("the lists are what the tiers and the push switches say", PROPERTY, () => {
  fc.assert(
    fc.property(people(), (rows) => {
      const access = forgejoAccess(derived(yamlOf(rows)).desired);
      const logins = (wanted: (row: (typeof rows)[number]) => boolean) =>
        rows.filter((row) => row.forgejo !== undefined && wanted(row)).map((row) => row.forgejo?.login);
      expect(new Set(access.whitelist)).toEqual(
        new Set(logins((row) => row.tier === "admin" || row.forgejo?.push === true)),
      );
      expect(new Set(access.admins)).toEqual(new Set(logins((row) => row.tier === "admin")));
      expect(new Set(access.collaborators)).toEqual(new Set(logins((row) => row.tier !== "admin")));
    }),
    RUNS,
  );
});

test("only logins that the program put there are removed; strangers are left alone and reported", () => {
  expect(planLogins(["Ada", "bob"], ["ADA", "carol", "zoe"], ["carol", "ada"])).toEqual({
    add: ["bob"],
    remove: ["carol"],
    strangers: ["zoe"],
  });
});
