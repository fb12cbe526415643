import { expect, test } from "vitest";
import { derived, rosterOf, row } from "./support.ts";

const ada = row("ada", "", "admin");
const anca = (more = "namespaces: [shop]") => row("anca", more, "namespace-owner");
const BEFORE = rosterOf(ada, row("bob"), anca());
const { ledger } = derived(BEFORE).desired;
const raised = (text: string, from = ledger) => derived(text, { ledger: from }).raised;

test.each([
  ["somebody joins", rosterOf(ada, row("bob"), anca(), row("eve")), "eve", ["a place as power-user"]],
  [
    "an admin joins",
    rosterOf(ada, row("bob"), anca(), row("eve", "", "admin")),
    "eve",
    ["a place as admin (groups code-shared, docker and sudo)"],
  ],
  [
    "a login with which an admin pushes",
    rosterOf(row("ada", "forgejo: {login: ada}", "admin"), row("bob"), anca()),
    "ada",
    ["direct push to the protected branch", "the Forgejo login ada"],
  ],
  [
    "a higher tier",
    rosterOf(ada, row("bob", "", "admin"), anca()),
    "bob",
    ["the tier admin instead of power-user (groups code-shared, docker and sudo)", "larger limits"],
  ],
  [
    "a push right, with the login that has it",
    rosterOf(ada, row("bob", "forgejo: {login: bob, push: true}"), anca()),
    "bob",
    ["direct push to the protected branch", "the Forgejo login bob"],
  ],
  ["one more namespace", rosterOf(ada, row("bob"), anca("namespaces: [shop, till]")), "anca", ["the namespaces till"]],
  [
    "an e-mail, which is the subject of the cluster's bindings",
    rosterOf(ada, row("bob", "email: eve@example.org"), anca()),
    "bob",
    ["the e-mail eve@example.org"],
  ],
  ["larger limits", rosterOf(ada, row("bob", 'limits: {memory: "64G"}'), anca()), "bob", ["larger limits"]],
  [
    "a larger quota",
    rosterOf(ada, row("bob"), anca('namespaces: [shop]\nquota: {cpu_requests: "2500m"}')),
    "anca",
    ["a larger quota"],
  ],
])("rights rise where %s", (_what, text, who, what) => {
  expect(raised(text)).toEqual([{ who, what }]);
});

test("an account that another login takes over by a rename is a gain, though the plan calls it a rename", () => {
  const text = BEFORE.replace(
    "authentik_user: ada\n    k8s_user: ada",
    "authentik_user: eve\n    k8s_user: ada\n    previously: {authentik_user: ada}",
  );
  expect(derived(text, { ledger }).changes[0]?.gained).toEqual([]);
  expect(raised(text)).toEqual([{ who: "ada", what: ["the login eve instead of ada"] }]);
});

test("the same account under a new name is one too", () => {
  const text = BEFORE.replace("  bob:\n", "  bobby:\n").replace(
    "k8s_user: bob\n",
    "k8s_user: bob\n    previously: {os_user: bob}\n",
  );
  expect(raised(text)).toEqual([{ who: "bobby", what: ["the account of bob"] }]);
});

test("leaving, a lower tier, fewer namespaces and a pause raise nobody; coming back does", () => {
  const without = rosterOf(ada, anca());
  expect(raised(without)).toEqual([]);
  expect(raised(BEFORE, derived(without, { ledger }).desired.ledger)).toEqual([
    { who: "bob", what: ["their place as power-user back"] },
  ]);
  const paused = rosterOf(ada, row("bob", "parked: true"), anca());
  expect(raised(paused)).toEqual([]);
  expect(raised(BEFORE, derived(paused, { ledger }).desired.ledger)).toEqual([
    { who: "bob", what: ["everything of theirs running again"] },
  ]);
  expect(raised(rosterOf(ada, row("bob", "namespaces: [bobs]", "namespace-owner"), anca()))).toEqual([
    { who: "bob", what: ["the namespaces bobs"] },
  ]);
});

test("who comes back under other names gets somebody's account, and each name is told", () => {
  const gone = derived(rosterOf(ada, anca()), { ledger }).desired.ledger;
  const bob = row("bob", "email: eve@x.org\nforgejo: {login: eve}").replace(
    "authentik_user: bob",
    "authentik_user: eve",
  );
  const what = [
    "their place as power-user back",
    "the login eve instead of bob",
    "the e-mail eve@x.org",
    "the Forgejo login eve",
  ];
  expect(raised(rosterOf(ada, bob, anca()), gone)).toEqual([{ who: "bob", what }]);
  const eve = row("eve", "previously: {os_user: bob}").replace(/user: eve/g, "user: bob");
  expect(raised(rosterOf(ada, eve, anca()), gone)).toEqual([
    { who: "eve", what: ["their place as power-user back", "the account of bob"] },
  ]);
});

test("rights rise where a size cannot be compared with the one before", () => {
  const people = new Map(
    [...ledger.people].map(([who, entry]) => [who, { ...entry, limits: { ...entry.limits, memory: "50%" } }]),
  );
  expect(raised(BEFORE, { version: 1, people })).toContainEqual({ who: "bob", what: ["larger limits"] });
});

test("smaller limits and quotas raise nobody, in whatever unit they are said", () => {
  const less = rosterOf(
    ada,
    row("bob", 'limits: {memory: "1900M", cpu: "100%", tasks: "400"}'),
    anca('namespaces: [shop]\nquota: {cpu_requests: "1999m", memory_limits: "8000Mi"}'),
  );
  expect(raised(less)).toEqual([]);
  expect(raised(BEFORE, derived(less, { ledger }).desired.ledger).map(({ who }) => who)).toEqual(["anca", "bob"]);
});

test("more time is a gain, less is none", () => {
  const until = (day: string) => rosterOf(ada, row("bob", `until: ${day}`), anca());
  const spring = derived(until("2027-03-01"), { ledger }).desired.ledger;
  expect(raised(until("2027-01-01"), spring)).toEqual([]);
  expect(raised(until("2027-06-01"), spring)).toEqual([
    { who: "bob", what: ["2027-06-01 as last day instead of 2027-03-01"] },
  ]);
  expect(raised(BEFORE, spring)).toEqual([{ who: "bob", what: ["no last day any more"] }]);
});
