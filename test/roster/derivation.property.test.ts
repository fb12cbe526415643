import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derive } from "../../roster/derive/derive.ts";
import { loadLedger, writeLedger } from "../../roster/ledger.ts";
import type { Ledger, Person, Policy } from "../../roster/model.ts";
import { dashboardAccount, deployerRole, ownerPolicy, workstationPolicy } from "../../roster/object-names.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { history, people, type Plain, yamlOf } from "./generators.ts";
import { derived, PROPERTY, roster, RUNS, TODAY } from "./support.ts";

const filesOf = (result: ReturnType<typeof derived>, path: string) =>
  result.desired.hosts.get("devvm" as never)?.files.get(path) ?? "";
const bytesOf = (result: ReturnType<typeof derived>) => [
  [...result.desired.hosts].map(([host, { files }]) => [host, [...files]]),
  writeLedger(result.desired.ledger),
  result.plan,
];

describe("what is derived from any roster", () => {
  test("the order of the rows changes no byte", PROPERTY, () => {
    const twoOrders = people().chain((rows) =>
      fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows], { minLength: rows.length })),
    );
    fc.assert(
      fc.property(twoOrders, ([rows, shuffled]) => {
        expect(bytesOf(derived(yamlOf(shuffled)))).toEqual(bytesOf(derived(yamlOf(rows))));
      }),
      RUNS,
    );
  });

  test("neither does the order in which the ledger holds its people", PROPERTY, () => {
    fc.assert(
      fc.property(people(), people(), (before, after) => {
        const { ledger } = derived(yamlOf(before)).desired;
        const reversed: Ledger = { version: 1, people: new Map([...ledger.people].reverse()) };
        expect(bytesOf(derived(yamlOf(after), { ledger: reversed }))).toEqual(
          bytesOf(derived(yamlOf(after), { ledger })),
        );
      }),
      RUNS,
    );
  });

  test("nothing that goes in is changed", PROPERTY, () => {
    fc.assert(
      fc.property(people(), people(), (before, after) => {
        const { ledger } = derived(yamlOf(before)).desired;
        const text = writeLedger(ledger);
        const input = {
          roster: roster(yamlOf(after)),
          userMap: undefined,
          ledger,
          policy: deepFrozen(DEFAULT_POLICY),
          today: TODAY,
        };
        for (const entry of ledger.people.values()) deepFrozen(entry);
        for (const row of input.roster.rows.values()) deepFrozen(row);
        expect(derive(input).ok).toBe(true);
        expect(writeLedger(ledger)).toBe(text);
      }),
      RUNS,
    );
  });

  test("no two people meet in a derived name, and every name fits where it is used", PROPERTY, () => {
    fc.assert(
      fc.property(people(), (rows) => {
        const all = [...derived(yamlOf(rows)).desired.people.values()];
        const kinds: readonly ((person: Person) => readonly string[])[] = [
          (person) => [person.osUser],
          (person) => [`t3-serve@${person.osUser}.service`],
          (person) => [person.authentikUser],
          (person) => [dashboardAccount(person.k8sUser)],
          (person) => [ownerPolicy(person.k8sUser)],
          (person) => [workstationPolicy(person.osUser)],
          (person) => person.namespaces.map(deployerRole),
        ];
        for (const names of kinds) {
          const given = all.flatMap((person) => names(person).map((name) => name.normalize("NFC").toLowerCase()));
          expect(new Set(given).size).toBe(given.length);
        }
        expect(all.every(({ osUser, k8sUser }) => osUser.length <= 32 && dashboardAccount(k8sUser).length <= 63)).toBe(
          true,
        );
      }),
      RUNS,
    );
  });

  test("the terminal map reads back as it was written, in the order of the ports, without the parked", PROPERTY, () => {
    fc.assert(
      fc.property(people(), (rows) => {
        const result = derived(yamlOf(rows));
        const map = filesOf(result, "/etc/ttyd-user-map");
        const lines = map.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
        const withTerminal = [...result.desired.people.values()].filter(({ parked }) => !parked);
        const byPort = withTerminal.sort((a, b) => a.ports.t3 - b.ports.t3);
        expect(lines.map((line) => line.split("="))).toEqual(
          byPort.map(({ authentikUser, osUser }) => [authentikUser, osUser]),
        );
        expect(map).toMatch(/^# Generated[^\n]*\n[\x20-\x7e\n]*$/);
        expect(map.endsWith("\n")).toBe(true);
      }),
      RUNS,
    );
  });

  test("the dispatch table holds its people and answers for nobody else", PROPERTY, () => {
    fc.assert(
      fc.property(people(), fc.string(), (rows, stranger) => {
        const table = JSON.parse(filesOf(derived(yamlOf(rows)), "/etc/t3-serve/dispatch.json")) as object;
        expect(Object.keys(table).sort()).toEqual(rows.map((row) => row.authentik_user).sort());
        const known = new Set(rows.map((row) => row.authentik_user));
        const asked = [stranger, "__proto__", "constructor", "toString"].filter((name) => !known.has(name));
        expect(asked.filter((name) => Object.hasOwn(table, name))).toEqual([]);
        expect(({} as Record<string, unknown>).os_user).toBeUndefined();
      }),
      RUNS,
    );
  });

  test(
    "the admin list is the sorted admins; all but parked people are in the terminal map; nobody else is",
    PROPERTY,
    () => {
      fc.assert(
        fc.property(people(), (rows) => {
          const result = derived(yamlOf(rows));
          const admins = rows.filter((row) => row.tier === "admin").map((row) => row.osUser);
          const listed = (path: string) =>
            filesOf(result, path)
              .split("\n")
              .filter((line) => line !== "" && !line.startsWith("#"));
          expect(listed("/etc/ttyd-admins")).toEqual([...admins].sort((a, b) => (a < b ? -1 : 1)));
          expect(new Set(listed("/etc/ttyd-user-map").map((line) => line.split("=")[1]))).toEqual(
            new Set([...result.desired.people].flatMap(([name, { parked }]) => (parked ? [] : [name]))),
          );
          expect([...result.desired.people.values()].filter(({ parked, claudeAuth }) => parked && claudeAuth)).toEqual(
            [],
          );
        }),
        RUNS,
      );
    },
  );
});

describe("what is given stays given", () => {
  /** Lives through a history and checks every step of it. */
  function live(
    rosters: readonly (readonly Plain[])[],
    step: (result: ReturnType<typeof derived>, before: Ledger, rows: readonly Plain[]) => void,
  ): void {
    let ledger: Ledger = { version: 1, people: new Map() };
    for (const rows of rosters) {
      const result = derived(yamlOf(rows), { ledger });
      step(result, ledger, rows);
      // Every step goes through the text, as a stack's output does.
      const read = loadLedger(writeLedger(result.desired.ledger), "ledger.json");
      if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join("\n"));
      expect(read.ledger).toEqual(result.desired.ledger);
      ledger = read.ledger;
    }
  }

  test("nobody shares a port or a uid, everybody keeps theirs, and nobody is forgotten", PROPERTY, () => {
    fc.assert(
      fc.property(history, (rosters) => {
        live(rosters, ({ desired }, before) => {
          const all = [...desired.ledger.people.values()];
          for (const number of [
            (entry: (typeof all)[number]) => entry.uid,
            (entry: (typeof all)[number]) => entry.ports.t3,
            (entry: (typeof all)[number]) => entry.ports.browser,
          ]) {
            expect(new Set(all.map(number)).size).toBe(all.length);
          }
          expect(all.every(({ ports }) => ports.t3 >= 3773 && ports.t3 < 8931 && ports.browser >= 8931)).toBe(true);
          for (const [who, entry] of before.people) {
            expect(desired.ledger.people.get(who)).toMatchObject({
              uid: entry.uid,
              ports: entry.ports,
              since: entry.since,
            });
          }
        });
      }),
      RUNS,
    );
  });

  test(
    "newcomers take the lowest free ports in the order of their names, and a second look gives the same",
    PROPERTY,
    () => {
      fc.assert(
        fc.property(history, (rosters) => {
          live(rosters, (result, before, rows) => {
            const taken = new Set([...before.people.values()].map(({ ports }) => ports.t3));
            const newcomers = rows
              .map((row) => row.osUser)
              .filter((name) => !before.people.has(name as never))
              .sort((a, b) => (a < b ? -1 : 1));
            for (const name of newcomers) {
              let port = 3773;
              while (taken.has(port)) port++;
              taken.add(port);
              expect(result.desired.people.get(name as never)?.ports).toEqual({
                t3: port,
                browser: port - 3773 + 8931,
              });
            }
            expect(bytesOf(derived(yamlOf([...rows].reverse()), { ledger: before }))).toEqual(bytesOf(result));
          });
        }),
        RUNS,
      );
    },
  );

  test("a converged history has nothing left to do", PROPERTY, () => {
    fc.assert(
      fc.property(history, (rosters) => {
        live(rosters, (result, _, rows) => {
          const again = derived(yamlOf(rows), { ledger: result.desired.ledger });
          expect([again.plan, again.changes, again.brakes, again.desired.ledger]).toEqual([
            [],
            [],
            [],
            result.desired.ledger,
          ]);
        });
      }),
      RUNS,
    );
  });

  test("whoever holds numbers keeps them when the ranges move, and newcomers get none of theirs", PROPERTY, () => {
    const start = fc.integer({ min: 2000, max: 2020 });
    fc.assert(
      fc.property(people(6), people(6), start, start, (before, after, first, uid) => {
        const run = (rows: typeof before, ledger: Ledger, policy: Policy) =>
          derive({ roster: roster(yamlOf(rows)), userMap: undefined, ledger, policy, today: TODAY });
        const old = run(before, { version: 1, people: new Map() }, { ...DEFAULT_POLICY, ...moved(2010, 2010) });
        if (!old.ok) throw new Error("the first run must succeed");
        const now = run(after, old.desired.ledger, { ...DEFAULT_POLICY, ...moved(first, uid), removalLimit: 99 });
        if (!now.ok) return;
        const entries = [...now.desired.ledger.people];
        const numbers = entries.flatMap(([, { ports }]) => [ports.t3, ports.browser]);
        expect(new Set(numbers).size).toBe(numbers.length);
        for (const [who, { ports, uid: own }] of old.desired.ledger.people)
          expect([now.desired.ledger.people.get(who)?.ports, now.desired.ledger.people.get(who)?.uid]).toEqual([
            ports,
            own,
          ]);
        expect(loadLedger(writeLedger(now.desired.ledger), "ledger.json").ok).toBe(true);
      }),
      RUNS,
    );
  });

  test("a full range is an error that names who gets none and what to widen", () => {
    const ports = { t3: { first: 3773, last: 3774 }, browser: { first: 8931, last: 8940 } };
    const result = derive({
      roster: roster(
        "users:\n  a: {authentik_user: a, k8s_user: a, tier: admin}\n  b: {authentik_user: b, k8s_user: b, tier: admin}\n  c: {authentik_user: c, k8s_user: c, tier: admin}\n",
      ),
      userMap: undefined,
      ledger: { version: 1, people: new Map() },
      policy: { ...DEFAULT_POLICY, ports },
      today: TODAY,
    });
    expect(result.ok ? [] : result.problems.map(({ line, user, message }) => [line, user, message])).toEqual([
      [
        4,
        "c",
        "no code-server port is free between 3773 and 3774; widen workstation:ports.t3 in the stack's configuration, for example by `pulumi config set --path 'ports.t3.last' NUMBER` (nobody's number changes by it), or remove an offboarded user for good",
      ],
    ]);
  });
});

/** Two ranges that lie close together, so that one moves over what the other gave out. */
const moved = (first: number, uid: number): Pick<Policy, "ports" | "uids"> => ({
  ports: { t3: { first, last: first + 19 }, browser: { first: first + 20, last: first + 39 } },
  uids: { first: uid, last: uid + 39 },
});

function deepFrozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFrozen(part);
  }
  return value;
}
