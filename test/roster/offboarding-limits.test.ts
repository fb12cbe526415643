import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Policy } from "../../roster/model.ts";
import { people, type Plain, yamlOf } from "./generators.ts";
import { checkPolicy } from "../../roster/policy-defaults.ts";
import { type Surface, withoutSurface } from "../../roster/undelivered-changes.ts";
import { derived, person, policy, PROPERTY, rosterOf, row, RUNS, SURFACES, tried } from "./support.ts";

const admin = (name: string) => row(name, "", "admin");
const team = rosterOf(
  admin("ada"),
  row("bob", "forgejo: {login: bob, push: true}"),
  row("carol"),
  row("dan", "namespaces: [shop]", "namespace-owner"),
);
const { ledger } = derived(team).desired;
const brakesOf = (text: string, stack: Partial<Policy> = {}) => derived(text, { ledger, stack }).brakes;

describe("the brakes", () => {
  test("let one person go, and stop two with their names and the release", () => {
    expect(brakesOf(team.replace(row("carol"), ""))).toEqual([]);
    expect(brakesOf(rosterOf(admin("ada"), row("dan", "namespaces: [shop]", "namespace-owner")))).toEqual([
      {
        kind: "limit",
        people: ["bob", "carol"],
        message:
          "2 people of 4 would lose rights, and this stack allows 1 at once: bob loses every access; carol loses every access. " +
          "If that is meant, set confirmLeave to [bob, carol] in the stack's configuration.",
      },
    ]);
  });

  test("are released by exactly those names, in any order", () => {
    const two = rosterOf(admin("ada"), row("dan", "namespaces: [shop]", "namespace-owner"));
    const tripped = (confirmLeave: readonly string[]) => brakesOf(two, { confirmLeave }).length > 0;
    expect([
      tripped(["carol", "bob"]),
      tripped(["bob"]),
      tripped(["bob", "dan"]),
      tripped(["bob", "carol", "dan"]),
    ]).toEqual([false, true, true, true]);
  });

  test("an emptied roster stops three times over", () => {
    expect(brakesOf("users: {}\n").map(({ kind, people: names }) => [kind, names])).toEqual([
      ["limit", ["ada", "bob", "carol", "dan"]],
      ["last-person", ["ada", "bob", "carol", "dan"]],
      ["fewest-admins", ["ada", "bob", "carol", "dan"]],
    ]);
  });

  test("stop the last person even where the limit would allow it", () => {
    const alone = derived(rosterOf(row("bob"))).desired.ledger;
    expect(derived("", { ledger: alone }).brakes.map(({ kind, message }) => [kind, message])).toEqual([
      [
        "last-person",
        "Nobody who is on the roster today would be left: bob loses every access. If that is meant, set confirmLeave to [bob] in the stack's configuration.",
      ],
    ]);
  });

  test("stop the last admin, who drops a tier or leaves, also when a new one joins in the same change", () => {
    const others = team.replace(admin("ada"), "").replace("users:\n", "");
    expect([
      brakesOf(rosterOf(row("ada"), others)).map(({ kind }) => kind),
      brakesOf(rosterOf(admin("zoe"), others)).map(({ kind }) => kind),
      brakesOf(rosterOf(row("ada"), others.replace("power-user", "admin"))).map(({ kind }) => kind),
    ]).toEqual([["fewest-admins"], ["fewest-admins"], []]);
  });

  test.each([
    ["a lower tier", team.replace("tier: admin", "tier: power-user"), ["ada"]],
    ["a lost push", team.replace("push: true", "push: false"), ["bob"]],
    ["another Forgejo login", team.replace("login: bob", "login: rob"), ["bob"]],
    ["another login", team.replace("authentik_user: carol", "authentik_user: karla"), ["carol"]],
    ["another k8s_user", team.replace("k8s_user: carol", "k8s_user: karla"), ["carol"]],
    ["a namespace less", team.replace("[shop]", "[other]"), ["dan"]],
    ["another host", team.replace("k8s_user: carol", "k8s_user: carol\n    host: other"), ["carol"]],
  ])("%s counts like leaving", (_, text, expected) => {
    const hosts = ["devvm", "other"] as never;
    const brakes = brakesOf(text, { hosts, removalLimit: 0 }).filter(({ kind }) => kind === "limit");
    expect(brakes.map(({ kind, people: names }) => [kind, names])).toEqual([["limit", expected]]);
  });

  test.each([
    ["parking", team.replace("tier: power-user", "parked: true\n    tier: power-user")],
    ["smaller limits", team.replace("tier: admin", "limits: {memory: 1G}\n    tier: admin")],
    ["a higher tier", team.replace("tier: power-user", "tier: admin")],
    ["nothing at all", team],
  ])("%s takes nothing away", (_, text) => expect(brakesOf(text, { removalLimit: 0 })).toEqual([]));

  test("nobody yet means that any roster may come", () => {
    expect(derived(rosterOf(row("bob")), { stack: { removalLimit: 0, minimumAdmins: 5 } }).brakes).toEqual([]);
    expect(derived("", { stack: { removalLimit: 0, minimumAdmins: 5 } }).brakes).toEqual([]);
  });
});

test("a policy that could not keep its promises is refused in sentences", () => {
  const wrong = policy({
    hosts: [],
    ports: { t3: { first: 3773, last: 8900 }, browser: { first: 8931, last: 8930 } },
    uids: { first: 500, last: 600 },
  });
  expect([checkPolicy(policy()), checkPolicy(wrong)]).toEqual([
    [],
    [
      "hosts is empty; a stack has at least one host",
      "ports.browser runs from 8931 to 8930; the last must not lie below the first",
      "uids runs from 500 to 600; stay within 1000 to 59999",
    ],
  ]);
  expect(
    checkPolicy(policy({ ports: { t3: { first: 3773, last: 9000 }, browser: { first: 8931, last: 9500 } } })),
  ).toEqual([
    "ports.t3 (3773 to 9000) and ports.browser (8931 to 9500) overlap; keep them apart, so that no two people ever share a port",
  ]);
});

describe("addsOnly", () => {
  test("keeps everybody and everything, gives what is new, and says what it holds back", () => {
    const text = rosterOf(row("ada"), row("bob", "forgejo: {login: bob}"), row("eve"));
    const held = derived(text, { ledger, stack: { addsOnly: true } });
    expect([...held.desired.people.values()].map(({ osUser, tier, forgejo }) => [osUser, tier, forgejo?.push])).toEqual(
      [
        ["ada", "admin", undefined],
        ["bob", "power-user", true],
        ["carol", "power-user", undefined],
        ["dan", "namespace-owner", undefined],
        ["eve", "power-user", undefined],
      ],
    );
    expect([[...held.desired.left], held.brakes]).toEqual([[], []]);
    expect(held.plan).toEqual([
      "eve joins as power-user on devvm, with uid 20004 and the ports 3777 and 8935; gets a locked clone of infra.",
      "ada would lose the rights of tier admin (now power-user); addsOnly holds that back.",
      "bob would lose direct push to the protected branch; addsOnly holds that back.",
      "carol would lose every access; addsOnly holds that back.",
      "dan would lose every access; addsOnly holds that back.",
    ]);
  });
});

test.each(["power-user", "admin"])(
  "addsOnly holds back a rise to %s that would take an owner's place in Vault",
  (tier) => {
    const text = rosterOf(
      admin("ada"),
      row("bob", "forgejo: {login: bob, push: true}"),
      row("carol"),
      row("dan", "", tier),
    );
    const held = derived(text, { ledger, stack: { addsOnly: true } });
    expect([person(held, "dan").tier, person(held, "dan").namespaces, held.changes]).toEqual([
      "namespace-owner",
      ["shop"],
      [],
    ]);
    const lost =
      tier === "admin"
        ? "access to their secrets in Vault and the sign-in of their pipelines"
        : "access to their secrets in Vault, the sign-in of their pipelines and namespace shop (kept with everything in it)";
    expect(held.plan).toEqual([
      `dan would lose ${lost} and would get the rights of tier ${tier} (until now namespace-owner); addsOnly holds that back.`,
    ]);
  },
);

test("a rise out of owning namespaces takes the place in Vault, which counts and is told where the stack has a Vault", () => {
  const text = rosterOf(admin("ada"), row("bob", "forgejo: {login: bob, push: true}"), row("carol"), admin("dan"));
  const lostOf = (surfaces: readonly Surface[], removalLimit: number) => {
    const { changes, brakes } = derived(text, { ledger, surfaces, stack: { removalLimit } });
    return [changes.flatMap(({ lost }) => lost), brakes.flatMap(({ people: names }) => names)];
  };
  const lost = ["access to their secrets in Vault", "the sign-in of their pipelines"];
  expect(lostOf(SURFACES, 1)).toEqual([lost, []]);
  expect(lostOf(SURFACES, 0)).toEqual([lost, ["dan"]]);
  expect(lostOf(["host devvm"], 0)).toEqual([[], []]);
});

test("addsOnly gives no namespaces to somebody whose tier it holds back, and keeps those of who rises", () => {
  const text = rosterOf(admin("ada"), row("bob", "namespaces: [bb]", "namespace-owner"), row("carol"), row("dan"));
  const held = derived(text, { ledger, stack: { addsOnly: true } });
  expect(["bob", "dan"].map((name) => [person(held, name).tier, person(held, name).namespaces])).toEqual([
    ["power-user", []],
    ["namespace-owner", ["shop"]],
  ]);
  const released = derived(text, { ledger: held.desired.ledger, stack: { removalLimit: 9 } });
  expect([person(released, "bob").namespaces, person(released, "dan").namespaces]).toEqual([["bb"], []]);
});

describe("addsOnly compares the names of people who are held back", () => {
  const owner = (name: string, namespace: string, more = "") =>
    row(name, `namespaces: [${namespace}]${more}`, "namespace-owner");
  const past = derived(rosterOf(admin("ada"), row("bob"), owner("dan", "shop"))).desired.ledger;
  const stays = "stays %'s while addsOnly suspends removals; deploy this change after switching addsOnly off";
  const problems = (...rows: readonly string[]) => {
    const result = tried(rosterOf(admin("ada"), ...rows), { ledger: past, stack: { addsOnly: true } });
    return result.ok ? [] : result.problems.map(({ path, message }) => [path, message.replace(/^\w+: /, "")]);
  };

  test.each([
    ["bob", 'the k8s_user "bob"'],
    ["dashboard-bob", 'the k8s_user "bob"'],
  ])("a namespace %s meets what the k8s_user of somebody without a row claims", (namespace, held) =>
    expect(problems(owner("dan", "shop"), owner("eve", namespace))).toEqual([
      [
        "users.eve.namespaces",
        `the namespace "${namespace}" claims a name of ${held}, which ${stays.replace("%", "bob")}`,
      ],
    ]),
  );

  test("a k8s_user meets the namespace of somebody without a row, and one whose change is held back", () => {
    const eve = row("eve").replace("k8s_user: eve", "k8s_user: shop");
    const expected = [
      "users.eve.k8s_user",
      `the k8s_user "shop" claims a name of the namespace "shop", which ${stays.replace("%", "dan")}`,
    ];
    expect(problems(row("bob"), eve)).toEqual([expected]);
    expect(problems(row("bob"), owner("dan", "other"), eve)).toEqual([expected]);
    expect(problems(eve, row("bob"), owner("dan", "other"))).toEqual([expected]);
  });

  test("one person's names may meet", () => {
    expect(problems(row("bob"), owner("dan", "shop, dan"))).toEqual([]);
  });
});

test("a demotion is counted, and the plan says what it takes and what stays", () => {
  const before = derived(rosterOf(row("ada", "", "admin"), row("bob", "", "admin"))).desired.ledger;
  const demoted = derived(rosterOf(row("ada", "", "admin"), row("bob")), {
    ledger: before,
    stack: { removalLimit: 0 },
  });
  expect(demoted.brakes.map(({ kind, people: who }) => [kind, who])).toEqual([["limit", ["bob"]]]);
  expect(demoted.plan.join()).toContain(
    "bob loses the rights of tier admin (now power-user); is taken out of the groups code-shared, docker and sudo where " +
      "this program gave them, and their sessions and processes that hold one are ended; groups that they had before or " +
      "got by hand stay, and the deployment names them",
  );
});

const changed = fc.record({ before: people(8), after: people(8), more: people(8) });
const run = (rows: readonly Plain[], history: ReturnType<typeof derived>, stack: Partial<Policy>) =>
  derived(yamlOf(rows), { ledger: history.desired.ledger, stack });

describe("for any two rosters", () => {
  test("who loses more than the limit allows stops the run unless exactly they are confirmed", PROPERTY, () => {
    fc.assert(
      fc.property(changed, fc.nat(3), ({ before, after }, removalLimit) => {
        const past = derived(yamlOf(before));
        const result = run(after, past, { removalLimit, minimumAdmins: 0 });
        const losers = result.changes.filter(({ lost }) => lost.length > 0).map(({ who }) => who);
        const lastGone = before.length > 0 && before.every(({ osUser }) => !after.some((row) => row.osUser === osUser));
        const hasAdmin = (rows: readonly Plain[]) => rows.some(({ tier }) => tier === "admin");
        // The one host keeps its last admin, even where the stack requires none.
        const adminless = hasAdmin(before) && !hasAdmin(after);
        expect(result.brakes.length > 0).toBe(losers.length > removalLimit || lastGone || adminless);
        expect(
          result.brakes.every(
            ({ people: named, message }) =>
              named.join() === losers.join() && losers.every((who) => message.includes(who)),
          ),
        ).toBe(true);
        expect(run(after, past, { removalLimit, minimumAdmins: 0, confirmLeave: losers }).brakes).toEqual([]);
        expect(
          run(after, past, { removalLimit, minimumAdmins: 0, confirmLeave: [...losers, "nobody-else"] }).brakes,
        ).toEqual(result.brakes);
      }),
      RUNS,
    );
  });

  test("who else joins never releases a brake", PROPERTY, () => {
    fc.assert(
      fc.property(changed, ({ before, after, more }) => {
        const past = derived(yamlOf(before));
        const known = new Set([...before, ...after].map(({ osUser }) => osUser));
        const joined = [...after, ...more.filter(({ osUser }) => !known.has(osUser))];
        expect(run(joined, past, {}).brakes).toEqual(run(after, past, {}).brakes);
      }),
      RUNS,
    );
  });

  test("addsOnly takes nothing from anybody", PROPERTY, () => {
    fc.assert(
      fc.property(changed, ({ before, after }) => {
        const held = run(after, derived(yamlOf(before)), { addsOnly: true });
        expect([held.changes.filter(({ lost }) => lost.length > 0), [...held.desired.left], held.brakes]).toEqual([
          [],
          [],
          [],
        ]);
      }),
      RUNS,
    );
  });
});

describe("addsOnly after a run that took a place and did not complete on its host", () => {
  const hosts = ["devvm", "attic"] as never;
  const surfaces: readonly Surface[] = ["host devvm", "host attic"];
  const [here, there] = [row("bob"), row("bob", "host: attic")];
  const stack = { hosts, confirmLeave: ["bob"] };
  const past = derived(rosterOf(admin("ada"), there), { surfaces, stack }).desired.ledger;
  const deployed = (...rows: readonly string[]) => {
    const run = derived(rosterOf(admin("ada"), ...rows), { surfaces, stack, ledger: past });
    return { ledger: run.desired.ledger, undelivered: withoutSurface(run.undelivered, "host devvm"), surfaces };
  };
  const suspended = { stack: { hosts, addsOnly: true } };
  const refusals = (text: string, known: ReturnType<typeof deployed>, more: object = suspended) => {
    const result = tried(text, { ...known, ...more });
    return result.ok ? [] : result.problems.map(({ path, message }) => [path, message]);
  };
  const open =
    "host attic may still give bob access, which an earlier deployment was to revoke there, and addsOnly suspends removals; set workstation:addsOnly to false, or";

  test("refuses the next run before the first write, unless who left has the place back", () => {
    const left = deployed();
    expect(refusals(rosterOf(admin("ada")), left)).toEqual([
      ["users", `${open} put bob back on the roster with host: attic`],
    ]);
    expect(refusals(rosterOf(admin("ada")), left, { stack })).toEqual([]);
    expect(refusals(rosterOf(admin("ada"), there), left)).toEqual([]);
  });

  test("refuses it of who moved, unless the host is out of the stack", () => {
    const moved = deployed(here);
    const text = rosterOf(admin("ada"), here);
    expect(refusals(text, moved)).toEqual([
      ["users.bob", expect.stringContaining(`${open} take attic out of workstation:hosts until then`)],
    ]);
    const out = { surfaces: ["host devvm"], stack: { hosts: ["devvm"], addsOnly: true } };
    expect(refusals(text, moved, out)).toEqual([]);
  });
});
