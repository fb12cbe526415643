/** Tests that a k8s_user that was somebody's, or is a namespace kept for somebody, is given to nobody else. */

import { expect, test } from "vitest";
import type { Ledger, LedgerEntry } from "../../roster/model.ts";
import { tenanciesOf } from "../../stacks/preflight/namespace-owners.ts";
import { foreignNamespaces } from "../../stacks/preflight/unmanaged-namespaces.ts";
import { derived, person, rosterOf, row, TODAY, tried, user } from "./support.ts";

const ADA = row("ada", "", "admin");
const { ledger } = derived(rosterOf(ADA, row("bob", "namespaces: [shop]", "namespace-owner"))).desired;

test("a former k8s_user is refused to everybody else, whoever has it by then, and its person may go back to it", () => {
  const bob = (k8sUser: string, more = "") =>
    row("bob", `namespaces: [shop]${more}`, "namespace-owner").replace("k8s_user: bob", `k8s_user: ${k8sUser}`);
  const carol = (k8sUser: string, more = "") =>
    row("carol", more, more === "" ? "power-user" : "namespace-owner").replace(
      "k8s_user: carol",
      `k8s_user: ${k8sUser}`,
    );
  const said = (past: Ledger, ...rows: readonly string[]) => {
    const result = tried(rosterOf(ADA, ...rows), { ledger: past });
    return result.ok ? [] : result.problems.map(({ line, message }) => `${line}: ${message}`);
  };
  const kept = "whose secrets in Vault are kept below that name; choose another";
  // In the run that renames, by the ledger afterwards, and after another rename and a leave.
  expect(said(ledger, bob("bob2"), carol("bob"))).toEqual([`13: k8s_user: "bob" was bob's, ${kept}`]);
  const second = derived(rosterOf(ADA, bob("bob2")), { ledger }).desired.ledger;
  expect(second.people.get(user("bob"))?.formerK8sUsers).toEqual(["bob"]);
  expect(said(second, bob("bob2"), carol("bob"))).toEqual([`13: k8s_user: "bob" was bob's, ${kept}`]);
  const third = derived(rosterOf(ADA, bob("bob3")), { ledger: second }).desired.ledger;
  const away = derived(rosterOf(ADA), { ledger: third });
  const way = ", or write previously: {os_user: bob} if the two are one person";
  expect(said(away.desired.ledger, carol("bob"))).toEqual([`8: k8s_user: "bob" was bob's, ${kept}${way}`]);
  expect(away.plan.join()).toContain("the secrets in Vault of bob3, bob and bob2");
  const spaces = (name: string) => carol("carol", `namespaces: [${name}]`);
  const claimed = (name: string) =>
    `namespaces: "${name}" is a name that a former k8s_user of bob claims; objects and Vault paths would meet there, so choose another`;
  expect(said(third, bob("bob3"), spaces("bob"))).toEqual([`15: ${claimed("bob")}`]);
  expect(said(away.desired.ledger, spaces("dashboard-bob2"))).toEqual([`10: ${claimed("dashboard-bob2")}`]);
  expect(said(ledger, spaces("bob"))).toEqual([`10: ${claimed("bob")}`]);
  const back = derived(rosterOf(ADA, bob("bob2")), { ledger: away.desired.ledger }).desired.ledger;
  expect(back.people.get(user("bob"))?.formerK8sUsers).toEqual(["bob", "bob3"]);
});

test("neither does a leaver's login open the secrets below their k8s_user", () => {
  const carol = row("carol").replace("authentik_user: carol", "authentik_user: bob");
  const result = tried(rosterOf(ADA, carol.replace("k8s_user: carol", "k8s_user: bob")), { ledger });
  expect(result.ok ? [] : result.problems.map(({ severity, path }) => [severity, path])).toEqual([
    ["warning", "users.carol.authentik_user"],
    ["error", "users.carol.k8s_user"],
  ]);
});

test("who shares login and k8s_user with a leaver from before is left with it, also once the leaver is removed for good", () => {
  const entry = ledger.people.get(user("bob"));
  if (entry === undefined) throw new Error("the ledger has no bob");
  const shared = (bob: Partial<LedgerEntry>): Ledger => {
    const rob: LedgerEntry = { ...entry, uid: 20_009, ports: { t3: 3790, browser: 8990 }, namespaces: [] };
    const people = [...ledger.people, [user("rob"), rob], [user("bob"), { ...entry, leftOn: TODAY, ...bob }]] as const;
    return { version: 1, people: new Map(people) };
  };
  const rob = row("rob")
    .replace("authentik_user: rob", "authentik_user: bob")
    .replace("k8s_user: rob", "k8s_user: bob");
  for (const past of [shared({}), shared({ removedOn: TODAY })])
    expect(tried(rosterOf(ADA, rob), { ledger: past }).ok).toBe(true);
  // The same name, but not the same login.
  expect(
    tried(rosterOf(ADA, rob), { ledger: shared({ authentikUser: "bert" as typeof entry.authentikUser }) }).ok,
  ).toBe(false);
});

test("a former k8s_user that only a row of before tells is kept from others, too", () => {
  const renamed = derived(rosterOf(row("ada", "previously: {k8s_user: adele}", "admin"))).desired.ledger;
  const result = tried(rosterOf(ADA, row("adele")), { ledger: renamed });
  expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual(["users.adele.k8s_user"]);
});

test.each([
  [
    "who left",
    "",
    "; correct this line or remove it, or write previously: {os_user: bob} as well if the two are one person",
  ],
  [
    "who is renamed in the same run",
    row("bob", "namespaces: [shop]", "namespace-owner").replace("k8s_user: bob", "k8s_user: bob2"),
    "; correct this line or remove it",
  ],
])("a former k8s_user that was that of somebody %s is refused", (_, bob, way) => {
  const text = rosterOf(ADA, bob, row("carol", "previously: {k8s_user: bob}"));
  const result = tried(text, { ledger });
  expect(result.ok ? [] : result.problems.map(({ line, path, message }) => [line, path, message])).toEqual([
    [
      expect.any(Number),
      "users.carol.previously.k8s_user",
      `previously.k8s_user: "bob" was bob's, whose identity in Vault goes by it${way}`,
    ],
  ]);
  if (bob === "") {
    const renamed = row("carol", "previously: {os_user: bob, k8s_user: bob}\nnamespaces: [shop]", "namespace-owner");
    expect(person(derived(rosterOf(ADA, renamed), { ledger }), "carol").uid).toBe(20_001);
  }
});

const owner = (name: string, namespaces: string, k8sUser = name) =>
  row(name, `namespaces: [${namespaces}]`, "namespace-owner").replace(`k8s_user: ${name}`, `k8s_user: ${k8sUser}`);
const messages = (past: Ledger, ...rows: readonly string[]) => {
  const result = tried(rosterOf(ADA, ...rows), { ledger: past });
  const problems = result.ok ? result.warnings : result.problems;
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
};

test.each([
  ["of somebody who left", [], owner("carol", "books", "shop"), "shop", "shop"],
  ["that was taken off the row of somebody who left", [], owner("carol", "books", "former"), "former", "former"],
  [
    "that this run takes off a row",
    [owner("bob", "dashboard-ink")],
    row("carol").replace("k8s_user: carol", "k8s_user: shop"),
    "shop",
    "shop",
  ],
  ["that has the name of their dashboard account", [], owner("carol", "books", "ink"), "ink", "dashboard-ink"],
])("a k8s_user is refused that is named like a namespace %s", (_, present, carol, k8sUser, namespace) => {
  const { ledger: had } = derived(rosterOf(ADA, owner("bob", "shop, dashboard-ink, former"))).desired;
  const past = derived(rosterOf(ADA, owner("bob", "shop, dashboard-ink")), { ledger: had }).desired.ledger;
  const sentence = `error users.carol.k8s_user: k8s_user: "${k8sUser}" claims the name of bob's namespace ${namespace}, which is kept with everything in it; objects and Vault paths would meet there, so choose another`;
  expect(messages(past, ...present, carol)).toEqual([sentence]);
  // A removal for good deletes only the namespaces that it names, and who has the name already is left with it.
  const ledgerWith = (name: string, entry: LedgerEntry | undefined, more: Partial<LedgerEntry>): Ledger => {
    if (entry === undefined) throw new Error(`the ledger has no ${name}`);
    return { version: 1, people: new Map([...past.people, [user(name), { ...entry, ...more }]]) };
  };
  const bob = past.people.get(user("bob"));
  if (present.length === 0)
    expect(messages(ledgerWith("bob", bob, { removedOn: TODAY, leftOn: TODAY }), carol)).toEqual([
      sentence.replace("is kept with everything in it", "their removal for good may have kept"),
    ]);
  const before = derived(rosterOf(ADA, carol)).desired.ledger.people.get(user("carol"));
  const numbers = { uid: 20_009, ports: { t3: 3790, browser: 8990 } };
  expect(messages(ledgerWith("carol", before, numbers), ...present, carol)).toEqual([]);
});

test("a kept namespace that somebody else is given is announced, and the run stops while the cluster says whose it is", () => {
  const { ledger: had } = derived(rosterOf(ADA, owner("bob", "shop, former"))).desired;
  const past = derived(rosterOf(ADA, owner("bob", "shop")), { ledger: had }).desired.ledger;
  const of = (name: string, whose: string) =>
    `warning users.carol.namespaces[0]: namespaces: "${name}" belonged to bob${whose}; carol takes it over with everything in it`;
  expect(messages(past, owner("bob", "shop"), owner("carol", "former"))).toEqual([of("former", "")]);
  expect(messages(past, owner("carol", "former"))).toEqual([of("former", ", an offboarded user")]);
  const { desired } = derived(rosterOf(ADA, owner("carol", "former")), { ledger: past });
  const metadata = { name: "former", labels: { "workstation/owner": "bob" } };
  const facts = { namespaces: new Map([["former", { metadata }]]), quotas: [], bindings: [], stores: [], roles: [] };
  expect(foreignNamespaces(tenanciesOf(desired), { ...facts, apiServers: [] })).toEqual([
    expect.stringMatching(/^carol: the namespace former exists already and belongs to bob\. Choose another name/),
  ]);
});
