import fc from "fast-check";
import { describe, expect, test } from "vitest";
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
import { derived, PROPERTY, rosterOf, row, RUNS, user } from "./support.ts";

const HOSTS = ["devvm", "attic"] as HostName[];
const SURFACES: readonly Surface[] = ["cluster", "host devvm", "host attic"];

interface Known {
  readonly ledger: Ledger;
  readonly undelivered: Undelivered;
}
const NOTHING: Known = { ledger: EMPTY_LEDGER, undelivered: ALL_DELIVERED };

const run = (text: string, known: Known, stack: Partial<Policy> = {}) => {
  const { hosts } = { hosts: HOSTS, ...stack };
  const surfaces = SURFACES.filter((surface) => surface !== "host attic" || hosts.includes("attic" as HostName));
  return derived(text, { ...known, surfaces, stack: { hosts, ...stack } });
};
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
    isAtticOut: fc.boolean(),
    /** Of those who left, by their number. */
    removes: fc.option(fc.nat(8), { nil: undefined }),
    removalLimit: fc.nat(3),
    minimumAdmins: fc.nat(1),
  }),
  { minLength: 8, maxLength: 8 },
);

test(
  "no host ever refuses, also after it was out of the stack, a run that passed the program's limits or was released by name",
  PROPERTY,
  () => {
    fc.assert(
      fc.property(history, turns, (rosters, plans) => {
        let known = NOTHING;
        const held = new Map<HostName, MapsPart>();
        let gone: readonly string[] = [];
        for (const [index, people] of rosters.entries()) {
          const { places, outcomes, isAtticOut, removes, ...given } = plans[index] as (typeof plans)[number];
          const hosts = isAtticOut ? HOSTS.slice(0, 1) : HOSTS;
          const text = yamlOf(people.map((person, at) => ({ ...person, host: hosts[places[at] ?? 0] ?? hosts[0] })));
          const away = [...known.ledger.people].flatMap(([who, { leftOn }]) => (leftOn === undefined ? [] : [who]));
          const isOn = (name: string | undefined) => people.some(({ osUser }) => osUser === name);
          gone = [...gone, away[removes ?? away.length]].filter(
            (name) => name !== undefined && !isOn(name),
          ) as string[];
          const limits = { ...given, hosts, removed: gone };
          const confirmLeave = run(text, known, limits).brakes[0]?.people ?? [];
          const released = run(text, known, { ...limits, confirmLeave });
          expect(released.brakes).toEqual([]);
          const complete: Surface[] = [];
          for (const [at, host] of hosts.entries()) {
            const brakes = { removalLimit: limits.removalLimit, confirmLeave: [...confirmLeave], addsOnly: false };
            const files = released.desired.hosts.get(host) ?? { files: new Map<string, string>() };
            const part = mapsPart(host, files, residentsOf(host, released.desired), { ...SITE, brakes });
            if (outcomes[at] === "untouched") continue;
            const uses = part.ports.flatMap(({ t3, browser }) => [t3, browser]);
            expect(new Set(uses).size).toBe(uses.length);
            assertRemovalLimits(held.get(host), part);
            held.set(host, part);
            if (outcomes[at] === "complete") complete.push(`host ${host}`);
          }
          known = next(released, ...complete);
        }
      }),
      { numRuns: RUNS.numRuns / 4 },
    );
  },
);

describe("a host that was out of the stack", () => {
  const here = [row("bob", "host: attic"), row("dan", "host: attic"), row("eve", "host: attic", "admin")];
  const moved = rosterOf(ada, bea, row("bob"), row("dan"), row("eve", "", "admin"));
  const out = { hosts: HOSTS.slice(0, 1), confirmLeave: ["bob", "dan", "eve"] };
  const taken = run(moved, delivered(rosterOf(ada, bea, ...here)), out);
  const left = run(rosterOf(ada, bea), next(taken, ...SURFACES.slice(0, 2)), out);
  const known = next(left, ...SURFACES.slice(0, 2));

  test("is not said to be locked", () => {
    expect(taken.plan.join("\n")).not.toContain("locked)");
    expect(taken.plan[0]).toContain(
      "bob loses their place on attic (attic is not in this stack: nothing is locked there)",
    );
    expect(left.plan[0]).toMatch(
      /^bob is offboarded\. Revoked: units and login on devvm.*attic is not in this stack: nothing is locked there\.$/,
    );
  });

  test("is not said to be open where the leave, or the move away, had reached it", () => {
    const [text, stack] = [rosterOf(ada, bea), { hosts: HOSTS.slice(0, 1), confirmLeave: ["bob"] }];
    const there = delivered(rosterOf(ada, bea, bob));
    const gone = next(run(text, there, { confirmLeave: ["bob"] }), ...SURFACES);
    const removed = run(rosterOf(ada, bea, row("new")), gone, { ...stack, removed: ["bob"] });
    const { uid, ports } = removed.desired.ledger.people.get(user("bob")) ?? {};
    expect(removed.plan.at(-1)).toContain(
      `the uid ${uid} stays theirs, the ports ${ports?.t3} and ${ports?.browser} are free.`,
    );
    const away = next(run(rosterOf(ada, bea, row("bob")), there, { confirmLeave: ["bob"] }), ...SURFACES);
    expect(run(text, away, stack).plan[0]).toMatch(/^bob is offboarded\..*the ports \d+ and \d+\.$/);
    expect(run(rosterOf(ada, bea, row("bob")), gone, stack).plan[0]).toContain(
      "does not get back their place on attic (attic is not in this stack);",
    );
  });

  test("gives nothing to announce while it is out, however often the ledger changes", () => {
    expect(run(rosterOf(ada, bea), known, out)).toMatchObject({ plan: [], changes: [], brakes: [], raised: [] });
    const again = run(rosterOf(ada, bea, row("bob")), known, out);
    const record = (result: Derivation) => result.undelivered.get("host attic")?.get(user("bob"));
    expect(record(again)).toEqual(record(taken));
    expect(record(again)).toHaveLength(1);
  });

  test("announces what will be revoked there when it is back, and counts it before the first write", () => {
    const back = run(rosterOf(ada, bea), known);
    expect(back.plan).toEqual(
      ["bob", "dan", "eve"].map(
        (who) =>
          expect.stringMatching(new RegExp(`^${who} is offboarded.*did not complete on host attic\\.$`)) as string,
      ),
    );
    expect(back.brakes[0]?.people).toEqual(["bob", "dan", "eve"]);
    expect(run(rosterOf(ada, bea), next(back, ...SURFACES)).plan).toEqual([]);
  });

  test("gets as left whoever was removed for good meanwhile, and their ports stay theirs until then", () => {
    const stack = { ...out, removed: ["bob"] };
    const removed = run(rosterOf(ada, bea), known, stack);
    expect(removed.desired.left.has(user("bob"))).toBe(false);
    expect(removed.plan.join()).toContain("attic is not in this stack: nothing is locked there.");
    const later = next(removed, ...SURFACES.slice(0, 2));
    const ports = removed.desired.ledger.people.get(user("bob"))?.ports;
    const back = run(rosterOf(ada, bea, row("new")), later, { removed: ["bob"], confirmLeave: ["bob", "dan", "eve"] });
    expect(residentsOf("attic" as HostName, back.desired).map(({ state, person }) => [state, person.osUser])).toEqual([
      ["left", "bob"],
      ["left", "dan"],
      ["left", "eve"],
    ]);
    expect(back.plan.join("\n")).toContain("bob, who was removed for good, is offboarded on attic.");
    expect(back.desired.people.get(user("new"))?.ports).not.toEqual(ports);
    const done = run(rosterOf(ada, bea, row("new")), next(back, ...SURFACES), { removed: ["bob"] });
    expect(residentsOf("attic" as HostName, done.desired).map(({ person }) => person.osUser)).toEqual(["dan", "eve"]);
  });
});
