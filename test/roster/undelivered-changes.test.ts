import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changeOf } from "../../roster/changes/compare-ledgers.ts";
import { NO_HOLDERS } from "../../roster/changes/identity-holders.ts";
import { raisedRights } from "../../roster/changes/increased-rights.ts";
import type { Derivation } from "../../roster/derive/derive.ts";
import { EMPTY_LEDGER } from "../../roster/ledger.ts";
import type { LedgerEntry, OsUser } from "../../roster/model.ts";
import {
  ALL_DELIVERED,
  loadUndelivered,
  type Surface,
  type Undelivered,
  withoutSurface,
  writeUndelivered,
} from "../../roster/undelivered-changes.ts";
import { history, yamlOf } from "./generators.ts";
import { derived, PROPERTY, rosterOf, row, RUNS, SURFACES } from "./support.ts";

const ada = row("ada", "", "admin");
const [bob, bobAdmin] = [row("bob"), row("bob", "", "admin")];
const [team, promoted] = [rosterOf(ada, bob), rosterOf(ada, bobAdmin)];

/** What the next run finds after one that was complete on these surfaces alone. */
const next = ({ desired, undelivered }: Derivation, ...complete: readonly Surface[]) => ({
  ledger: desired.ledger,
  undelivered: complete.reduce<Undelivered>(withoutSurface, undelivered),
});
const delivered = (text: string) => next(derived(text), ...SURFACES);

describe("a promotion that a run announced", () => {
  const first = derived(promoted, delivered(team));

  test.each(SURFACES.map((surface) => [surface]))("is announced again by the retry after a failure on %s", (failed) => {
    const retry = derived(promoted, next(first, ...SURFACES.filter((surface) => surface !== failed)));
    expect(retry.changes).toEqual([]);
    expect(retry.plan).toHaveLength(1);
    expect(retry.plan[0]).toContain("bob gets the rights of tier admin (until now power-user)");
    expect(retry.plan[0]).toContain(`announced this and did not complete on ${failed}.`);
    expect(retry.raised).toEqual(first.raised);
  });

  test("is announced by a later run of somebody else, for whom it still is a rise", () => {
    const other = derived(rosterOf(ada, bobAdmin, row("eve")), next(first, "forge", "cluster"));
    expect(other.plan).toEqual([
      expect.stringMatching(/^eve joins/) as string,
      expect.stringMatching(
        /^bob gets the rights of tier admin.* did not complete on Vault and host devvm\.$/,
      ) as string,
    ]);
    expect(other.raised.map(({ who }) => who)).toEqual(["bob", "eve"]);
  });

  test("is taken back aloud, since some surface may have brought it about", () => {
    const back = derived(team, next(first, "forge"));
    expect(back.plan).toEqual([expect.stringMatching(/^bob loses the rights of tier admin/) as string]);
    const retry = derived(team, next(back, "forge"));
    expect(retry.plan).toEqual([expect.stringMatching(/^bob loses the rights of tier admin/) as string]);
    expect(retry.raised).toEqual([]);
  });

  test("is forgotten when every surface is complete", () => {
    const done = derived(promoted, next(first, ...SURFACES));
    expect([done.plan, done.raised, done.undelivered]).toEqual([[], [], new Map()]);
  });
});

test("a leave that did not reach a host is announced until it has, and counts in that host's limit on removals", () => {
  const three = rosterOf(ada, bob, row("eve"));
  const first = derived(rosterOf(ada, row("eve")), delivered(three));
  const retry = derived(rosterOf(ada), next(first, "forge", "cluster", "Vault"));
  expect(retry.plan).toEqual([
    expect.stringMatching(/^eve is offboarded\./) as string,
    expect.stringMatching(/^bob is offboarded\. Revoked: .* did not complete on host devvm\.$/) as string,
  ]);
  expect(retry.brakes.map(({ kind, people }) => [kind, people])).toEqual([["limit", ["bob", "eve"]]]);
  expect(derived(rosterOf(ada), next(first, "host devvm")).brakes).toEqual([]);
});

test("somebody who joined on one surface alone and is taken off the roster leaves aloud", () => {
  const joined = derived(rosterOf(ada, bob), delivered(rosterOf(ada)));
  const gone = derived(rosterOf(ada), next(joined, "Vault"));
  const retry = derived(rosterOf(ada), next(gone, "Vault"));
  expect(retry.plan).toEqual([expect.stringMatching(/^bob is offboarded\./) as string]);
});

describe("rights on a surface that the stack does not have", () => {
  const owner = (more: string) => rosterOf(ada, row("bob", more, "namespace-owner"));
  const less = "namespaces: [shop]\nforgejo: {login: bob, push: false}\nquota: {pods: 10}";
  const more = "namespaces: [shop, mill]\nforgejo: {login: bob, push: true}\nquota: {pods: 30}";
  const surfaces: readonly Surface[] = ["host devvm"];
  const alone = (text: string, known = {}) => derived(text, { surfaces, ...known });
  const known = (text: string) => next(alone(text), ...surfaces);

  test("are announced when they are given, since they come with the surface, and are not announced then", () => {
    const given = alone(owner(more), known(owner(less)));
    expect(given.plan).toEqual([
      "bob gets direct push to the protected branch once the stack has a forge: what they push deploys and namespace mill once the stack has a cluster; has the quota pods changed from 10 to 30 once the stack has a cluster.",
    ]);
    expect(derived(owner(more), next(given, ...surfaces)).plan).toEqual([]);
  });

  test("are announced with a place, and so is another login of the forge", () => {
    const joined = alone(owner(more), known(rosterOf(ada))).plan.join();
    expect(joined).toContain("owns the namespaces shop and mill once the stack has a cluster;");
    expect(joined).toContain("pushes to the protected branch as bob once the stack has a forge.");
    const other = alone(owner(more.replace("login: bob", "login: rob")), known(owner(more)));
    expect(other.plan).toEqual(["bob gets the Forgejo login rob once the stack has a forge."]);
  });

  test("are not announced as lost", () => {
    expect(alone(owner(less), known(owner(more))).plan).toEqual([]);
  });
});

test("a renamed account is followed: what a surface holds under the former name is compared with the new one", () => {
  const first = derived(promoted, delivered(team));
  const renamed = promoted.replace(/bob:/, "rob:").replace(/^( {2}rob:\n)/m, "$1    previously: {os_user: bob}\n");
  const second = derived(renamed, next(first, "forge"));
  expect(second.raised.find(({ who }) => who === "rob")?.what).toEqual([
    "the account of bob",
    "the tier admin instead of power-user (groups code-shared, docker and sudo)",
    "larger limits",
  ]);
  const retry = derived(renamed, next(second));
  expect(retry.raised).toEqual(second.raised);
});

type Outcome = "complete" | "partly" | "untouched";
type Held = Map<Surface, Map<OsUser, LedgerEntry>>;

/** What changes on a surface must have been announced by the very run that changes it. */
function mustBeAnnounced(run: Derivation, who: OsUser, held: LedgerEntry | undefined, now: LedgerEntry): void {
  const before = { people: new Map(held === undefined ? [] : [[who, held]]), renamed: new Map<OsUser, OsUser>() };
  const rises = raisedRights(before, new Map([[who, now]])).flatMap(({ what }) => what);
  const change = changeOf({ who, past: held, after: now, previously: {}, formerName: undefined }, NO_HOLDERS);
  const announced = [...run.changes, ...run.repeated].filter((one) => one.who === who);
  expect(run.raised.find((one) => one.who === who)?.what ?? []).toEqual(expect.arrayContaining([...rises]));
  for (const kind of ["lost", "gained"] as const)
    expect(announced.flatMap((one) => one[kind])).toEqual(expect.arrayContaining([...(change?.[kind] ?? [])]));
}

test(
  "no surface ever changes anybody's rights without the run's own announcement, wherever earlier runs failed",
  PROPERTY,
  () => {
    const outcomes = fc.array(
      fc.tuple(...SURFACES.map(() => fc.constantFrom<Outcome>("complete", "partly", "untouched")), fc.nat()),
      { minLength: 8, maxLength: 8 },
    );
    fc.assert(
      fc.property(history, outcomes, (rosters, results) => {
        const held: Held = new Map(SURFACES.map((surface) => [surface, new Map()]));
        let known: { ledger: Derivation["desired"]["ledger"]; undelivered: Undelivered } = {
          ledger: EMPTY_LEDGER,
          undelivered: ALL_DELIVERED,
        };
        for (const [index, people] of rosters.entries()) {
          const run = derived(yamlOf(people), known);
          const result = results[index] ?? [];
          let record = run.undelivered;
          for (const [at, surface] of SURFACES.entries()) {
            const outcome = result[at] as Outcome;
            let turn = result.at(-1) as number;
            for (const [who, now] of run.desired.ledger.people) {
              turn = (turn * 31 + 7) % 65_537;
              if (outcome === "untouched" || (outcome === "partly" && turn % 2 === 0)) continue;
              mustBeAnnounced(run, who, held.get(surface)?.get(who), now);
              held.get(surface)?.set(who, now);
            }
            if (outcome === "complete") record = withoutSurface(record, surface);
          }
          const read = loadUndelivered(writeUndelivered(record), "undelivered");
          if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join("\n"));
          expect(read.undelivered).toEqual(record);
          known = { ledger: run.desired.ledger, undelivered: read.undelivered };
        }
      }),
      { numRuns: RUNS.numRuns / 4 },
    );
  },
);

test.each([
  ["no JSON", "{", "1:2"],
  ["a list", "[]", "its top must be a map"],
  ["a surface that is no map", '{"Vault": 1}', "Vault: must be a map of people"],
  ["an entry of another form", '{"Vault": {"bob": [{"name": "bob", "entry": {}}]}}', "Vault: bob: is not a list"],
])("a record that is %s is a problem and never taken for an empty one", (_what, text, message) => {
  const read = loadUndelivered(text, "undelivered");
  const problems = read.ok
    ? []
    : read.problems.map((problem) => `${problem.line}:${problem.column} ${problem.message}`);
  expect(problems.join("\n")).toContain(message);
});
