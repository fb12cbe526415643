/** What the probe makes of what each surface says; that the surfaces are asked for real is test/e2e/leaving.test.ts. */

import { describe, expect, test } from "vitest";
import { judgeHost, type HostProbe } from "../../cli/probe/host.ts";
import { isDone, type OffboardedUser, type Verdict, worst } from "../../cli/probe/model.ts";
import type { KubeCall } from "../../clients/kubernetes/client.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { NOBODY } from "../../roster/object-names.ts";
import { lookAtCluster } from "../../cli/probe/cluster.ts";
import { type Bound, delegatedBy } from "../../cli/probe/delegated-rights.ts";
import { loadLedger } from "../../roster/ledger.ts";
import { loadUndelivered } from "../../roster/undelivered-changes.ts";
import { offboardedUsers } from "../../cli/probe/offboarded-users.ts";
import { rosterOf, row } from "../roster/support.ts";
import { stackBench } from "./stack-fixture.ts";

const ACCOUNT: NonNullable<HostProbe["account"]> = {
  ...{ locked: true, expired: true, loginRefused: true, groups: ["audio"], sudo: false },
  ...{ processes: 0, linger: false, crontab: false, atJobs: 0 },
  ...{ sharedProcesses: 0, containers: [], setIdFiles: { theirs: [], unknown: [], incomplete: null } },
};
const CUT: HostProbe = {
  osUser: "bob",
  account: ACCOUNT,
  units: { "t3-serve@bob.service": { active: "inactive", file: "disabled" } },
  maps: { terminal: false, dispatch: false, admins: false },
  gate: 403,
  waitingCredentials: false,
};
const verdicts = (seen: HostProbe) =>
  judgeHost(seen, true).flatMap(({ surface, verdict }) => (verdict === "cut" ? [] : [`${surface} ${verdict}`]));

describe("a host", () => {
  test("that has cut somebody is believed on every surface, each with what was seen", () => {
    expect(judgeHost(CUT, true).map(({ surface, verdict }) => [surface, verdict])).toEqual(
      ["maps", "gate", "login", "groups", "processes", "containers", "set-id files", "units"].map((surface) => [
        surface,
        "cut",
      ]),
    );
  });

  test.each<[string, Partial<HostProbe>, string[]]>([
    ["a row in a map", { maps: { ...CUT.maps, dispatch: true } }, ["maps needs-a-hand"]],
    ["a map that cannot be read", { maps: { ...CUT.maps, admins: null } }, ["maps unknown"]],
    ["a gate that lets in", { gate: 200 }, ["gate needs-a-hand"]],
    ["a gate that is silent", { gate: null }, ["gate unknown"]],
    ["a password that is not locked", { account: { ...ACCOUNT, locked: false } }, ["login needs-a-hand"]],
    ["a login that the system accepts", { account: { ...ACCOUNT, loginRefused: false } }, ["login needs-a-hand"]],
    ["a system that does not say", { account: { ...ACCOUNT, loginRefused: null } }, ["login unknown"]],
    ["a group of a tier", { account: { ...ACCOUNT, groups: ["docker"] } }, ["groups needs-a-hand"]],
    ["a sudo rule by name", { account: { ...ACCOUNT, sudo: true } }, ["groups needs-a-hand"]],
    ["a sudo that does not say", { account: { ...ACCOUNT, sudo: null } }, ["groups unknown"]],
    ["a process", { account: { ...ACCOUNT, processes: 1 } }, ["processes needs-a-hand"]],
    ["a crontab", { account: { ...ACCOUNT, crontab: true } }, ["processes needs-a-hand"]],
    ["a unit that is enabled", { units: { u: { active: "inactive", file: "enabled" } } }, ["units needs-a-hand"]],
    ["a token on its way", { waitingCredentials: true }, ["login needs-a-hand"]],
  ])("%s is never taken for cut", (_, over, expected) => {
    expect(verdicts({ ...CUT, ...over })).toEqual(expected);
  });

  test("without an account of theirs has nothing to cut there", () => {
    expect(judgeHost({ ...CUT, account: null }, false).map(({ verdict }) => verdict)).toEqual(["cut", "cut", "cut"]);
  });
});

test("the proxy's answer to a login that somebody else has on this host today is theirs", () => {
  const [, gate] = judgeHost({ ...CUT, gate: 200 }, true, "carol");
  expect(gate).toMatchObject({ surface: "gate", verdict: "cut", says: expect.stringContaining("carol's") as string });
  expect(verdicts({ ...CUT, gate: 200 })).toEqual(["gate needs-a-hand"]);
});

describe("rights that somebody planted", () => {
  const bob: OffboardedUser = {
    ...{ osUser: "bob", everywhere: true, hosts: ["a"], authentikUser: "bob", k8sUser: "bob", email: "bob@x" },
    ...{ namespaces: ["shop"], forgejoLogins: [] },
  };
  const bound = (namespace: string, subject: Bound["subjects"][number], isSuspended = false): Bound => ({
    ...{ namespace, name: "extra", role: "ClusterRole admin", subjects: [subject], isSuspended },
  });
  const of = (bindings: readonly Bound[], tokens: Parameters<typeof delegatedBy>[1]["tokens"] = []) =>
    delegatedBy(bob, { bindings, tokens }).map(({ verdict, says }) => [verdict, says]);
  const robot = { kind: "ServiceAccount", name: "robot", namespace: "shop" };

  test("whatever gives anybody a right in a kept namespace needs a look, with the command that ends it", () => {
    const [found] = delegatedBy(bob, { bindings: [bound("shop", { kind: "User", name: "eve@x" })], tokens: [] });
    expect(found).toMatchObject({ verdict: "needs-a-hand", says: expect.stringContaining("to User eve@x") as string });
    expect(found?.todo).toContain("kubectl delete rolebinding extra --namespace shop");
  });

  test.each([
    ["their e-mail, in other letters", { kind: "User", name: "Bob@X" }],
    ["an account of theirs", robot],
    ["an account of theirs by its user name", { kind: "User", name: "system:serviceaccount:shop:robot" }],
    ["all their accounts", { kind: "Group", name: "system:serviceaccounts:shop" }],
  ])("elsewhere and cluster-wide, %s is found", (_, subject) => {
    expect(of([bound("other", subject), bound("", subject)]).map(([verdict]) => verdict)).toEqual([
      "needs-a-hand",
      "needs-a-hand",
    ]);
  });

  test("others' rights elsewhere are nobody's business here", () => {
    expect(of([bound("other", { kind: "User", name: "eve@x" }), bound("", { kind: "Group", name: "all" })])).toEqual(
      [],
    );
  });

  test("an address that somebody else has today names that person and no longer them", () => {
    const bindings = [bound("other", { kind: "User", name: "bob@x" })];
    expect(delegatedBy({ ...bob, emailHolder: "carol" }, { bindings, tokens: [] })).toEqual([]);
  });

  test("a token of an account of theirs is residual, and says whether the account may do anything", () => {
    const token = { namespace: "shop", name: "robot-token", account: "robot" };
    expect(of([], [token])).toEqual([["residual", expect.stringContaining("without any right")]]);
    expect(of([bound("shop", robot)], [token])[1]).toEqual(["residual", expect.stringContaining("has rights")]);
  });

  test("a binding that stays with nobody in it gives nobody a right", async () => {
    const nobody = { kind: "User", name: NOBODY };
    const items = [{ metadata: { name: "owner", namespace: "shop" }, roleRef: { kind: "ClusterRole", name: "admin" } }];
    const call: KubeCall = async (_, path) => {
      const value = path.endsWith("/rolebindings") ? items.map((one) => ({ ...one, subjects: [nobody] })) : [];
      return { status: 200, value: { items: value } };
    };
    const { bindings } = await lookAtCluster(call, {} as NonNullable<StackSettings["cluster"]>);
    expect([bindings.length, of(bindings)]).toEqual([1, []]);
  });

  test("what is suspended is residual until they are back", () => {
    expect(of([{ ...bound("shop", robot, true), subjects: [] }])).toEqual([
      ["residual", "suspended: RoleBinding shop/extra"],
    ]);
  });
});

describe("whom it asks about", () => {
  const entry = (over: object) => ({
    ...{ uid: 20_000, ports: { t3: 3773, browser: 8931 }, tier: "power-user", authentikUser: "bob", k8sUser: "bob" },
    ...{
      push: false,
      namespaces: [],
      formerNamespaces: [],
      formerNames: [],
      layout: "single",
      repos: [],
      parked: false,
    },
    ...{ claudeAuth: true, limits: { memory: "4G", cpu: "200%", tasks: "512", pane_memory: "2G" } },
    ...{ quota: { cpu_requests: "2", memory_requests: "4Gi", memory_limits: "8Gi", pods: "20" }, hosts: ["a"] },
    ...{ since: "2026-01-01" },
    ...over,
  });
  const ledger = (over: object) => JSON.stringify({ version: 1, people: { bob: entry(over) } });

  test("everybody who left, everywhere, and whoever moved, on the former host alone", () => {
    expect(offboardedUsers(ledger({ leftOn: "2026-02-01", hosts: ["a", "b"] }), [])).toMatchObject([
      { osUser: "bob", everywhere: true, hosts: ["a", "b"], leftOn: "2026-02-01" },
    ]);
    expect(offboardedUsers(ledger({ hosts: ["b", "a"] }), [])).toMatchObject([{ everywhere: false, hosts: ["a"] }]);
    expect(offboardedUsers(ledger({}), [])).toEqual([]);
  });

  test("whoever was removed for good while a surface may still let them in", () => {
    const held = loadUndelivered(
      JSON.stringify({ Vault: { bob: [{ name: "bob", entry: entry({}) }] } }),
      "undelivered",
    );
    if (!held.ok) throw new Error("the record cannot be read");
    const removed = ledger({ leftOn: "2026-02-01", removedOn: "2026-03-01" });
    expect(offboardedUsers(removed, ["bob"], held.undelivered)).toMatchObject([
      { osUser: "bob", everywhere: true, hosts: ["a"] },
    ]);
  });

  test("nobody who was removed for good and whom a host out of the stack alone may let in", () => {
    const bench = stackBench({ "roster.yaml": rosterOf(row("ada", "", "admin")) });
    bench.configure("roster.yaml");
    const removed = loadLedger(
      ledger({ leftOn: "2026-02-01", removedOn: "2026-03-01", hosts: ["attic"] }),
      "the stack's ledger",
    );
    const held = loadUndelivered(
      JSON.stringify({ "host attic": { bob: [{ name: "bob", entry: entry({ hosts: ["attic"] }) }] } }),
      "undelivered",
    );
    if (!removed.ok || !held.ok) throw new Error("the state cannot be read");
    bench.deployed(removed.ledger, held.undelivered);
    const ran = bench.ws(["probe"], "", { PATH: bench.path });
    expect([ran.code, ran.out, ran.err]).toEqual([0, "No user is offboarded.\n", ""]);
  });

  test("every forge login that was theirs, and who on the roster has which today", () => {
    const people = {
      bob: entry({ leftOn: "2026-02-01", formerForgejoLogins: ["bob1", "Bob2"] }),
      carol: entry({ ...{ uid: 20_001, ports: { t3: 3774, browser: 8932 }, k8sUser: "carol" }, forgejoLogin: "bob2" }),
    };
    expect(offboardedUsers(JSON.stringify({ version: 1, people }), [])).toMatchObject([
      { forgejoLogins: ["bob1", "Bob2"], forgejoHolders: new Map([["bob2", "carol"]]) },
    ]);
    const last = ledger({ leftOn: "2026-02-01", forgejoLogin: "bob", formerForgejoLogins: ["bob1"] });
    expect(offboardedUsers(last, [])).toMatchObject([{ forgejoLogins: ["bob", "bob1"] }]);
  });

  test("an address that somebody else has today is said to be theirs", () => {
    const [uid, ports] = [20_001, { t3: 3774, browser: 8932 }];
    const people = {
      bob: entry({ leftOn: "2026-02-01", email: "Bob@x.org" }),
      carol: entry({ ...{ uid, ports, authentikUser: "carol", k8sUser: "carol" }, email: "bob@x.org" }),
    };
    const asked = (others: object) =>
      offboardedUsers(JSON.stringify({ version: 1, people: { ...people, ...others } }), []);
    expect(asked({})).toMatchObject([{ osUser: "bob", emailHolder: "carol" }]);
    const left = asked({ carol: { ...people.carol, leftOn: "2026-03-01" } });
    expect(left.map(({ emailHolder }) => emailHolder)).toEqual([undefined, undefined]);
  });

  test("a login that somebody else has today is said to be theirs, and on which host", () => {
    const [uid, ports] = [20_001, { t3: 3774, browser: 8932 }];
    const asked = (carol: object) => {
      const people = {
        bob: entry({ leftOn: "2026-02-01", authentikUser: "Bob" }),
        carol: entry({ uid, ports, authentikUser: "bob", k8sUser: "carol", hosts: ["b", "a"], ...carol }),
      };
      const [user] = offboardedUsers(JSON.stringify({ version: 1, people }), ["bob"]);
      return user?.loginHolder;
    };
    expect(asked({})).toEqual({ osUser: "carol", host: "b" });
    expect([asked({ leftOn: "2026-03-01" }), asked({ authentikUser: "carol" })]).toEqual([undefined, undefined]);
  });

  test.each([
    ["somebody who is there", {}, ["bob"], "bob is not offboarded yet; deploy the roster change first"],
    ["a name that nobody had", {}, ["bbo"], "bbo is nobody that this stack ever knew"],
    [
      "somebody who was removed for good",
      { leftOn: "2026-02-01", removedOn: "2026-03-01" },
      ["bob"],
      "bob was removed for good on 2026-03-01, so no surface is probed. Kept: the secrets in Vault of bob.",
    ],
  ])("%s is refused with a sentence", (_, over, names, sentence) => {
    expect(() => offboardedUsers(ledger(over), names)).toThrow(sentence);
  });

  test("a ledger that is damaged or missing is not one without leavers", () => {
    expect(() => offboardedUsers("{", [])).toThrow();
    expect(() => offboardedUsers(undefined, [])).toThrow("never deployed");
  });
});

test("the gravest finding is the person's; what was not asked is not cut", () => {
  const of = (...found: Verdict[]) => worst(found);
  expect([of("cut", "residual"), of("residual", "unknown", "cut"), of("unknown", "needs-a-hand"), of()]).toEqual([
    ...["residual", "unknown", "needs-a-hand", "unknown"],
  ]);
  const report = (verdict: Verdict) => [{ osUser: "bob", leftOn: null, verdict, findings: [] }];
  expect((["cut", "residual", "unknown", "needs-a-hand"] as const).map((one) => isDone(report(one)))).toEqual([
    ...[true, true, false, false],
  ]);
});
