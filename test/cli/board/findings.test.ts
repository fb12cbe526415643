/** What each surface's answers are taken for: a failed read is never a convergence, and a difference is exactly one person's. */

import { expect, test } from "vitest";
import { clusterFindings } from "../../../cli/board/cluster.ts";
import type { Finding } from "../../../cli/board/finding.ts";
import { type QueryHost, hostFindings } from "../../../cli/board/hosts.ts";
import { pendingFindings } from "../../../cli/board/pending-changes.ts";
import { keyOf, type DeployedResource } from "../../../cli/stack/deployed-resources.ts";
import { differences } from "../../../clients/kubernetes/compare-objects.ts";
import { isOfOffboardedUser, vaultFindings } from "../../../cli/board/vault.ts";
import { registerOf } from "../../../cli/board/resource-owner.ts";
import { cleaner } from "../../../cli/board/sanitize-text.ts";
import { HostUnreached } from "../../../clients/ssh/run-command.ts";
import { KubernetesError, type KubeCall } from "../../../clients/kubernetes/client.ts";
import { openVault } from "../../../clients/vault/client.ts";
import { startHttpServer } from "../../clients/http-server.ts";
import { derived, rosterOf, row } from "../../roster/support.ts";

const OWNER = "workstation/owner";
const { desired } = derived(
  rosterOf(
    row("ada", "email: ada@b.example", "admin"),
    row("bob", "email: bob@b.example"),
    row("cleo", "namespaces: [plots]\nemail: cleo@b.example", "namespace-owner"),
  ),
);
const register = registerOf(desired, { owner: OWNER, site: "stem95su" });

const made = (type: string, name: string, inputs: object, id = name, outputs: object = inputs): DeployedResource => ({
  ...{ type, name, id, modifiedAt: "2026-11-22T10:00:00Z" },
  inputs: inputs as DeployedResource["inputs"],
  outputs: outputs as DeployedResource["outputs"],
});
const told = (findings: readonly Finding[]) =>
  findings.map(({ whose, surface, state, what }) => {
    return `${typeof whose === "string" ? whose : whose.person} ${surface} ${state}: ${what}`;
  });

const labels = { [OWNER]: "cleo", "app.kubernetes.io/managed-by": "workstation" };
const binding = {
  ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
  metadata: { name: "owner", namespace: "plots", labels },
  subjects: [{ kind: "User", name: "cleo@b.example" }],
};
const tierBinding = (...emails: readonly string[]) => ({
  ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding" },
  metadata: { name: "oidc-power-user", labels: { "app.kubernetes.io/managed-by": "workstation" } },
  subjects: emails.map((name) => ({ kind: "User", name })),
});
const OWNERS = made("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "tenant-plots-owner", binding);
const TIER = made("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "rights", tierBinding("bob@b.example"));

/** An API server that knows two kinds and holds these objects; a page holds one of them. */
const server =
  (bindings: readonly object[], tiers: readonly object[], status = 200): KubeCall =>
  async (_, path) => {
    if (path === "/apis/rbac.authorization.k8s.io/v1") {
      const resources = [
        { name: "rolebindings", kind: "RoleBinding", namespaced: true },
        { name: "clusterrolebindings", kind: "ClusterRoleBinding", namespaced: false },
      ];
      return { status: 200, value: { resources } };
    }
    const items = path.includes("/rolebindings") ? bindings : tiers;
    const at = Number(new URL(path, "https://x").searchParams.get("continue") ?? 0);
    const next = at + 1 < items.length ? String(at + 1) : "";
    return { status, value: { items: items.slice(at, at + 1), metadata: { continue: next } } };
  };
const look = async (call: KubeCall, all = [OWNERS, TIER]) => told(await clusterFindings(call, all, register, "a=b"));

test("the cluster as it was delivered has nothing to say, whatever the server adds to its objects", async () => {
  const live = { ...binding, metadata: { ...binding.metadata, uid: "1", annotations: {} }, status: {} };
  expect(await look(server([live], [tierBinding("bob@b.example")]))).toEqual([]);
});

test("an object that is gone, one that differs, one in somebody's name that nobody delivered, and a member are told apart", async () => {
  expect(await look(server([], [tierBinding("ada@b.example")]))).toEqual([
    "cleo cluster changed: RoleBinding plots/owner: is gone",
    "bob cluster changed: ClusterRoleBinding oidc-power-user: their e-mail is missing",
    "ada cluster changed: ClusterRoleBinding oidc-power-user: their e-mail (ada@b.example) was added by another user",
  ]);
  const stray = { ...binding, metadata: { ...binding.metadata, name: "again" } };
  const wider = { ...binding, subjects: [...binding.subjects, { kind: "User", name: "eve" }] };
  expect(await look(server([wider, stray], [tierBinding("bob@b.example")]))).toEqual([
    "cleo cluster changed: RoleBinding plots/owner: differs in subjects",
    "cleo cluster changed: RoleBinding plots/again: is in their name, and no deployment made it",
  ]);
});

test("a listing that is refused or breaks off makes everything of it unknown, never gone", async () => {
  const refused = [
    "cleo cluster unknown: RoleBinding plots/owner: the cluster does not list its rolebindings (status 403)",
  ];
  expect(await look(server([binding], [], 403), [OWNERS])).toEqual(refused);
  const broken: KubeCall = async (method, path) => {
    if (path.includes("continue=")) throw new KubernetesError("the connection ended");
    return server([binding, binding], [])(method, path);
  };
  expect(await look(broken, [OWNERS])).toEqual(["cleo cluster unknown: RoleBinding plots/owner: the connection ended"]);
});

test("a token Secret that the cluster never filled has failed", async () => {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/service-account-token",
    metadata: { name: "t", namespace: "plots", labels },
  };
  const call: KubeCall = async (_, path) =>
    path === "/api/v1"
      ? { status: 200, value: { resources: [{ name: "secrets", kind: "Secret", namespaced: true }] } }
      : { status: 200, value: { items: [secret] } };
  expect(await look(call, [made("kubernetes:core/v1:Secret", "t", secret)])).toEqual([
    "cleo cluster failed: Secret plots/t: the cluster has put no token into it",
  ]);
});

const part = (who: string, kind = "units") =>
  made("command:remote:Command", `${who}@vm-${kind}`, {
    create: `/usr/local/sbin/workstation apply ${kind} ${who}`,
    stdin: JSON.stringify({ kind, osUser: who }),
  });
const status = (people: readonly object[], more: object = {}) => ({
  ...{ code: 0, stderr: "" },
  stdout: JSON.stringify({ delivered: "2026-11-22T10:00:00.000Z", people, ...more }),
});
const person = (osUser: string, failures: object = {}) => ({ osUser, failures });
const host = async (ask: QueryHost) => {
  const said = await hostFindings("vm", ask, [part("bob"), part("cleo")], register);
  return { ...said, findings: told(said.findings) };
};
const answering =
  (first: Awaited<ReturnType<QueryHost>>, check: Awaited<ReturnType<QueryHost>>): QueryHost =>
  async ({ argv }) =>
    argv.includes("status") ? first : check;
const checking = (found: object) => {
  const none = { changes: [], due: [], failures: [], warnings: [] };
  return { code: 0, stderr: "", stdout: `${JSON.stringify({ ...none, ...found })}\n` };
};
const both = status([person("bob"), person("cleo")]);

test("a host says in its own sentences what differs and who failed, each of that person, each once", async () => {
  const check = checking({
    changes: [
      { who: "bob", what: "would start t3-serve@bob.service, enabled" },
      { who: "host", what: "would write /etc/ttyd-admins" },
      { who: "nobody", what: "would do" },
    ],
    due: [{ who: "bob", what: "would lock the password" }],
    failures: [{ who: "cleo", what: "clones: no route to the forge" }],
    warnings: [{ who: "cleo", what: "a dirty clone" }],
  });
  const said = await host(
    answering(status([person("bob"), person("cleo", { clones: "no route to the forge" })]), check),
  );
  expect(said).toEqual({
    deliveredAt: "2026-11-22T10:00:00.000Z",
    notices: [],
    findings: [
      "cleo host failed: vm: clones: no route to the forge",
      "bob host changed: vm: would start t3-serve@bob.service, enabled",
      "everybody host changed: vm: would write /etc/ttyd-admins",
      "everybody host changed: vm: would do",
      "bob host pending: vm: would lock the password",
    ],
  });
});

test("what is wrong on a host beside the recorded failures is on the board, and exit code 1 is an answer", async () => {
  const people = [{ ...person("bob"), problems: ["t3-serve@bob.service is failed"] }, person("cleo")];
  const wrong = { ...status(people, { problems: ["the packet filter of the users' ports is not loaded"] }), code: 1 };
  const same = [
    { who: "host", what: "the packet filter of the users' ports is not loaded" },
    { who: "bob", what: "t3-serve@bob.service is failed" },
  ];
  // The host's own look at itself finds the same, and both are one finding.
  for (const check of [checking({}), checking({ failures: same })])
    expect((await host(answering(wrong, check))).findings).toEqual([
      "everybody host failed: vm: the packet filter of the users' ports is not loaded",
      "bob host failed: vm: t3-serve@bob.service is failed",
    ]);
});

test("a step of the host that failed in the last run is on the board, once, also where nothing differs now", async () => {
  const failed = { ...status([person("bob"), person("cleo")], { failures: ["sshd -t ended with 255"] }), code: 1 };
  for (const check of [checking({}), checking({ failures: [{ who: "host", what: "sshd -t ended with 255" }] })])
    expect((await host(answering(failed, check))).findings).toEqual([
      "everybody host failed: vm: sshd -t ended with 255",
    ]);
});

test("a host that cannot be reached, is busy or answers nonsense is unknown for everybody who is on it", async () => {
  const everybody = (why: string) => ["everybody", "bob", "cleo"].map((who) => `${who} host unknown: vm: ${why}`);
  const unreached: QueryHost = async () => {
    throw new HostUnreached("vm: cannot be reached over SSH (connect ECONNREFUSED)");
  };
  expect((await host(unreached)).findings).toEqual(everybody("cannot be reached over SSH (connect ECONNREFUSED)"));
  const busy = { code: 75, stdout: "", stderr: "" };
  expect((await host(answering(both, busy))).findings).toEqual(
    everybody("another run is at work on it, so it could not be looked at"),
  );
  const none = { code: 127, stdout: "", stderr: "sh: workstation: not found\n" };
  expect((await host(answering(none, none))).findings).toEqual(
    everybody("the agent does not say what is there: sh: workstation: not found"),
  );
  const nonsense = { code: 0, stdout: "<html>", stderr: "" };
  expect((await host(answering(nonsense, nonsense))).findings).toEqual(
    everybody("the agent's answer is not of the expected form"),
  );
});

test("somebody whom the host has forgotten is changed, and a hold is told", async () => {
  const said = await host(answering(status([person("bob")], { hold: "disk" }), checking({})));
  expect([said.findings, said.notices]).toEqual([
    ["cleo host changed: vm: the host does not know them"],
    ["vm is on hold: hourly reconcile is suspended: disk"],
  ]);
});

test("what is decided and not deployed is pending: what is new, what is otherwise, what goes, and who joins a list", () => {
  const memory = {
    interrupted: [],
    resources: new Map([part("bob"), part("cleo", "clones"), TIER].map((one) => [keyOf(one), one])),
  };
  const { inputs, ...of } = part("bob");
  const wanted = [
    { ...of, inputs: { ...inputs, stdin: JSON.stringify({ kind: "units", osUser: "bob", state: "parked" }) } },
    { ...TIER, inputs: tierBinding("bob@b.example", "ada@b.example") },
    OWNERS,
  ];
  expect(told(pendingFindings(wanted, memory, register))).toEqual([
    'bob host pending: the part "units": is decided otherwise since the last deployment',
    "ada cluster pending: ClusterRoleBinding oidc-power-user: their e-mail comes in with the next deployment",
    "cleo cluster pending: RoleBinding plots/owner: is not delivered yet",
    'cleo host pending: the part "clones": goes with the next deployment',
  ]);
  const same = [...memory.resources.values()];
  expect(pendingFindings(same, memory, register)).toEqual([]);
});

test("a policy that somebody widened is changed, a role that is gone is gone, and a proxy's page says nothing about Vault", async () => {
  const policy = made("vault:index/policy:Policy", "p", { name: "workstation-claude-bob", policy: "path a" });
  const role = made("vault:kubernetes/authBackendRole:AuthBackendRole", "r", {
    backend: "kubernetes",
    roleName: "plots-deployer",
    tokenTtl: 60,
  });
  const left = made("vaultpeople:index:Person", "l", { name: "namespace-owner-cleo", state: "left" }, "l", {
    entityId: "e",
  });
  const answers: Readonly<Record<string, readonly [number, object | string]>> = {
    "sys/policies/acl/workstation-claude-bob": [200, { data: { policy: "path b" } }],
    "auth/kubernetes/role/plots-deployer": [404, { errors: [] }],
    "identity/entity/id/e": [200, { data: { disabled: false } }],
  };
  const findings = async (known: typeof answers) => {
    const server = await startHttpServer((_, path) => {
      const [status, body] = known[path.replace("/v1/", "")] ?? [404, "<html>"];
      return { status, body };
    });
    const vault = openVault({ address: server.address, token: "hvs.program", timeoutMs: 2000, pauseMs: 1 });
    return told(await vaultFindings(vault, [policy, role, left], register).finally(server.stop));
  };
  expect(isOfOffboardedUser(left)).toBe(true);
  expect(await findings(answers)).toEqual([
    "bob vault changed: policy workstation-claude-bob: differs in policy",
    "cleo vault changed: role plots-deployer: is gone",
    "cleo vault changed: entity namespace-owner-cleo: is enabled although they left",
  ]);
  expect((await findings({})).every((line) => line.includes(" vault unknown: "))).toBe(true);
});

test.each([
  ["a field that the server adds", { a: 1 }, { a: 1, b: 2 }, []],
  ["quantities in another form", { cpu: "1000m", memory: "1Gi" }, { cpu: "1", memory: "1024Mi" }, []],
  ["another quantity", { cpu: "1" }, { cpu: "2" }, ["cpu"]],
  ["an empty list and none", { subjects: [] }, {}, []],
  ["a list that is longer", { verbs: ["get"] }, { verbs: ["get", "list"] }, ["verbs"]],
  ["somebody on a list that should be empty", { subjects: [] }, { subjects: [1] }, ["subjects"]],
  ["a missing branch", { spec: { hard: { pods: "1" } } }, {}, ["spec.hard.pods"]],
  ["a secret", { a: { "4dabf18193072939515e22adb298388d": "x", ciphertext: "y" } }, { a: "z" }, []],
])("comparing wanted with found: %s", (_what, want, have, paths) => {
  expect(differences(want, have).map(({ path }) => path)).toEqual(paths);
});

test("a server's words lose secrets and parts of them, control characters and users in addresses, and keep the address", () => {
  const clean = cleaner([`server: https://cluster.example:6443\ntoken: ${"aB3".repeat(10)}`, "short pass"]);
  expect(clean(`https://cluster.example:6443 refused ${"aB3".repeat(10)}\u001b[2J\nnow`)).toBe(
    "https://cluster.example:6443 refused [secret] [2J now",
  );
  expect(clean("at https://emo:hunter2@forge.example/x: short pass")).toBe("at https://forge.example/x: [secret]");
});
