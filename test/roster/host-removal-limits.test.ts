import fc from "fast-check";
import { expect, test } from "vitest";
import { assertRemovalLimits } from "../../agent/root/people/offboarding-limits-of-host.ts";
import type { MapsPart } from "../../agent/contract.ts";
import { mapsPart } from "../../components/devvm/build-parts.ts";
import type { Derivation } from "../../roster/derive/derive.ts";
import { EMPTY_LEDGER } from "../../roster/ledger.ts";
import type { HostName, Ledger, Policy } from "../../roster/model.ts";
import { ALL_DELIVERED, type Surface, type Undelivered, withoutSurface } from "../../roster/undelivered-changes.ts";
import { residentsOf } from "../../stacks/devvm.ts";
import { SITE } from "../components/devvm/sample.ts";
import { history, yamlOf } from "./generators.ts";
import { derived, PROPERTY, rosterOf, row, RUNS } from "./support.ts";

const HOSTS = ["devvm", "attic"] as HostName[];
const SURFACES: readonly Surface[] = ["cluster", "host devvm", "host attic"];

interface Known {
  readonly ledger: Ledger;
  readonly undelivered: Undelivered;
}
const NOTHING: Known = { ledger: EMPTY_LEDGER, undelivered: ALL_DELIVERED };

const run = (text: string, known: Known, stack: Partial<Policy> = {}) =>
  derived(text, { ...known, surfaces: SURFACES, stack: { hosts: HOSTS, ...stack } });
const next = ({ desired, undelivered }: Derivation, ...complete: readonly Surface[]): Known => ({
  ledger: desired.ledger,
  undelivered: complete.reduce<Undelivered>(withoutSurface, undelivered),
});

const [ada, bea, cid] = [row("ada", "", "admin"), row("bea"), row("cid")];
const bob = row("bob", "host: attic");
const delivered = (text: string) => next(run(text, NOTHING), ...SURFACES);

test.each([
  ["leaves", rosterOf(ada, bea), "bob loses every access"],
  ["moves", rosterOf(ada, bea, row("bob")), "bob loses their place on attic (account and home stay there, locked)"],
])("the last user of one host who %s stops the run, until they are confirmed", (_what, text, loss) => {
  const known = delivered(rosterOf(ada, bea, bob));
  expect(run(text, known).brakes).toEqual([
    {
      kind: "last-person",
      people: ["bob"],
      message: `Nobody who has access to host attic today would be left there: ${loss}. If that is meant, set confirmLeave to [bob] in the stack's configuration.`,
    },
  ]);
  expect(run(text, known, { confirmLeave: ["bob"] }).brakes).toEqual([]);
});

test("the last admin of one host stops the run, whatever admins there are elsewhere", () => {
  const known = delivered(rosterOf(ada, bob, row("wim", "host: attic", "admin")));
  const brakes = run(rosterOf(ada, bob, row("wim", "host: attic")), known).brakes;
  expect(brakes.map(({ kind, people, message }) => [kind, people, message.split(":")[0]])).toEqual([
    ["fewest-admins", ["wim"], "No admin would be left on host attic"],
  ]);
});

test("a leave that did not reach the host counts with the next one there, and both are confirmed", () => {
  const first = run(rosterOf(ada, bea), delivered(rosterOf(ada, bea, cid)));
  expect(first.brakes).toEqual([]);
  const known = next(first, "cluster", "host attic");
  expect(run(rosterOf(ada), known).brakes).toEqual([
    {
      kind: "limit",
      people: ["bea", "cid"],
      message:
        "2 users of 3 on host devvm would lose rights there, and this stack allows 1 at once: bea loses every access; cid loses " +
        "access on devvm by an earlier deployment, which did not complete there. If that is meant, set confirmLeave to [bea, cid] in the stack's configuration.",
    },
  ]);
  expect(run(rosterOf(ada), known, { confirmLeave: ["bea", "cid"] }).brakes).toEqual([]);
  expect(run(rosterOf(ada), known, { confirmLeave: ["bea"] }).brakes).toHaveLength(1);
  expect(run(rosterOf(ada), next(first, ...SURFACES)).brakes).toEqual([]);
});

const turns = fc.array(
  fc.record({
    places: fc.array(fc.nat(1), { minLength: 9, maxLength: 9 }),
    outcomes: fc.tuple(
      ...HOSTS.map(() => fc.constantFrom("complete" as const, "partly" as const, "untouched" as const)),
    ),
    removalLimit: fc.nat(3),
    minimumAdmins: fc.nat(1),
  }),
  { minLength: 8, maxLength: 8 },
);

test("no host ever refuses a run that passed the program's limits or was released by name", PROPERTY, () => {
  fc.assert(
    fc.property(history, turns, (rosters, plans) => {
      let known = NOTHING;
      const held = new Map<HostName, MapsPart>();
      for (const [index, people] of rosters.entries()) {
        const { places, outcomes, ...limits } = plans[index] as (typeof plans)[number];
        const text = yamlOf(people.map((person, at) => ({ ...person, host: HOSTS[places[at] ?? 0] })));
        const confirmLeave = run(text, known, limits).brakes[0]?.people ?? [];
        const released = run(text, known, { ...limits, confirmLeave });
        expect(released.brakes).toEqual([]);
        const complete: Surface[] = [];
        for (const [at, host] of HOSTS.entries()) {
          const brakes = { removalLimit: limits.removalLimit, confirmLeave: [...confirmLeave], addsOnly: false };
          const files = released.desired.hosts.get(host) ?? { files: new Map<string, string>() };
          const part = mapsPart(host, files, residentsOf(host, released.desired), { ...SITE, brakes });
          if (outcomes[at] === "untouched") continue;
          assertRemovalLimits(held.get(host), part);
          held.set(host, part);
          if (outcomes[at] === "complete") complete.push(`host ${host}`);
        }
        known = next(released, ...complete);
      }
    }),
    { numRuns: RUNS.numRuns / 4 },
  );
});
