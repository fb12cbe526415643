import { expect, test } from "vitest";
import { rosterOf, row } from "../roster/support.ts";
import { workbench } from "./run-ws.ts";

const anca = row("anca", "namespaces: [plotting-book]\ncode_layout: workspace\nrepos: [tripit]", "namespace-owner");
const { ws, write } = workbench({
  "all.yaml": rosterOf(row("ada", "", "admin"), anca, row("bob", "parked: true")),
  "less.yaml": rosterOf(row("ada", "", "admin"), anca),
  "bad.yaml": "users: {bob: {}}\n",
  "proto.yaml": rosterOf(row("__proto__").replaceAll(": __proto__", ": proto"), row("constructor")),
  "map.json": '{"anca": {"role": "namespace-owner", "email": "anca@x"}, "bob": {"role": "power-user"}}',
});

interface Output {
  readonly people: Record<string, Record<string, unknown>>;
  readonly left: readonly string[];
  readonly hosts: Record<string, { readonly files: Record<string, string> }>;
  readonly ledger: { readonly people: Record<string, { readonly ports: unknown }> };
  readonly plan: readonly string[];
}
const derive = (...args: readonly string[]): Output => {
  const ran = ws(["derive", "--json", "--today", "2026-11-22", ...args]);
  if (ran.code !== 0) throw new Error(`${ran.code}: ${ran.out}${ran.err}`);
  return JSON.parse(ran.out) as Output;
};

test("a person has every key that is promised, and the host is called devvm", { timeout: 30_000 }, () => {
  const all = derive("--k8s-users", "map.json", "all.yaml");
  expect(all.people.anca).toMatchObject({
    tier: "namespace-owner",
    authentikUser: "anca",
    k8sUser: "anca",
    email: "anca@x",
    groups: [],
    shell: "/bin/zsh",
    layout: "workspace",
    repos: ["tripit"],
    ports: { t3: 3774, browser: 8932 },
    parked: false,
    claudeAuth: true,
    namespaces: ["plotting-book"],
    host: "devvm",
    uid: 20_001,
  });
  expect([Object.keys(all.people), all.people.bob?.email, all.left, Object.keys(all.hosts), all.plan.length]).toEqual([
    ["ada", "anca", "bob"],
    null,
    [],
    ["devvm"],
    3,
  ]);
  expect(JSON.parse(all.hosts.devvm?.files["/etc/t3-serve/dispatch.json"] ?? "")).toEqual({
    ada: { os_user: "ada", port: 3773 },
    anca: { os_user: "anca", port: 3774 },
    bob: { os_user: "bob", port: 3775, parked: true },
  });
});

test("the ledger that comes out goes in again: out, back, the same", { timeout: 60_000 }, () => {
  const first = derive("all.yaml");
  write("first.json", JSON.stringify(first.ledger));
  const away = derive("--ledger", "first.json", "less.yaml");
  write("away.json", JSON.stringify(away.ledger, null, "\t"));
  const back = derive("--ledger", "away.json", "all.yaml");
  expect([away.left, Object.keys(away.people), away.ledger.people.bob?.ports]).toEqual([
    ["bob"],
    ["ada", "anca"],
    { t3: 3775, browser: 8933 },
  ]);
  expect([back.left, back.people, back.hosts, back.ledger]).toEqual([[], first.people, first.hosts, first.ledger]);
});

test("names that objects trip over come through whole", { timeout: 30_000 }, () => {
  const { people } = derive("proto.yaml");
  expect([Object.keys(people), Object.hasOwn(people, "__proto__")]).toEqual([["__proto__", "constructor"], true]);
});

test("a problem of any input yields no plan, ends with 1, and is said with its place", { timeout: 30_000 }, () => {
  write("broken.json", '{"version": 1, "people": {"bob": {}}}');
  const calls = [
    ["bad.yaml"],
    ["--ledger", "broken.json", "all.yaml"],
    ["--ledger", "missing.json", "all.yaml"],
    ["--k8s-users", "missing.json", "all.yaml"],
  ];
  const runs = calls.map((call) => ws(["derive", ...call]));
  expect(runs.map(({ code, out, err }) => [code, out, err.split(": ")[0]])).toEqual([
    [1, "", "bad.yaml:1:9"],
    [1, "", "broken.json:1:27"],
    [1, "", "missing.json:1:1"],
    [1, "", "missing.json:1:1"],
  ]);
  expect(JSON.parse(ws(["derive", "--json", "bad.yaml"]).out)).toMatchObject({ file: "bad.yaml", ok: false });
});

test("for people it shows who, what happens, and the files; a brake is announced", { timeout: 30_000 }, () => {
  write("all.json", JSON.stringify(derive("all.yaml").ledger));
  write("nobody.yaml", "");
  const shown = ws(["derive", "--today", "2026-11-22", "all.yaml"]);
  expect([shown.code, shown.err, shown.out.includes("\u001b")]).toEqual([0, "", false]);
  expect(shown.out).toContain(
    "  bob   power-user       devvm  ports 3775 8933  uid 20002  parked\nPlan\n  ada joins as admin on devvm",
  );
  expect(ws(["derive", "--ledger", "all.json", "nobody.yaml"]).err).toContain(
    "A deployment would stop: 3 people of 3 would lose rights",
  );
});

test("a wrong call ends with 2", { timeout: 30_000 }, () => {
  expect(
    [["derive"], ["derive", "a", "b"], ["derive", "--today", "soon", "all.yaml"]].map((call) => ws(call).code),
  ).toEqual([2, 2, 2]);
});
