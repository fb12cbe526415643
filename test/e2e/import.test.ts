/** Adoption: people, rights and clones that were made by hand become a stack's, and nothing of theirs changes. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findForge, type Forge } from "../../lab/forge/index.ts";
import { instanceName, openInstance } from "../../lab/instance.ts";
import { PROJECT, STACK } from "../../lab/pulumi/engine.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { type LabVault, labVault } from "../../lab/vault/api.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

let stack: PeopleStack;
let forge: Forge;
let vault: LabVault;
const folder = mkdtempSync(join(tmpdir(), "ws-import-test-"));
const rights = "repos/forge/infra";

/** Only what is one person's own and no program's: files, groups, uid, and what runs. */
const THEIRS =
  "id ancamilea; id emo; id zoe; id --user wizard; " +
  "find /home/*/code /home/*/notes -printf '%p %U %G %m %s %T@ %l\\n' | grep -v '/.git\\|FETCH_HEAD\\| /home/[a-z]*/code ' | LC_ALL=C sort; " +
  "for home in emo/code ancamilea/code/infra ancamilea/code/tripit; do u=$(dirname $home | cut -d/ -f1); " +
  "su $u -s /bin/sh -c \"git -C /home/$home status --porcelain --branch | grep -v '^##'; git -C /home/$home for-each-ref refs/heads\"; done; " +
  "grep -H OWN /etc/t3-serve/*.env; grep -h T3_PORT /etc/t3-serve/*.env";

const HOST = `
set -e
for group in code-shared docker; do groupadd -f $group; done
useradd --uid 1042 --create-home --shell /bin/bash --groups audio ancamilea
useradd --uid 1007 --create-home --shell /bin/bash emo
useradd --uid 1003 --create-home --shell /bin/bash --groups sudo wizard
useradd --uid 1099 --create-home --shell /bin/bash zoe
chmod 0755 /home/ancamilea
for who in ancamilea emo wizard zoe; do echo "of $who" > /home/$who/notes; chown $who: /home/$who/notes; done
as() { who=$1; shift; su "$who" -s /bin/sh -c "$*"; }
as emo "git clone -q $FORGE/forge/infra.git ~/code && cd ~/code && git checkout -q -b mine && echo dirty >> README.md && echo new > untracked"
as ancamilea "mkdir ~/code && git clone -q $FORGE/forge/infra.git ~/code/infra && git clone -q $FORGE/forge/tripit.git ~/code/tripit && echo dirty >> ~/code/tripit/README.md"
as ancamilea "git init -q ~/code/own && git -C ~/code/own remote add origin http://somebody:a-password@example.org/forge/other.git"
mkdir -p /etc/t3-serve
printf 'vbarzin=wizard\\nancaelena98=ancamilea\\nemil.barzin=emo\\n' > /etc/ttyd-user-map
echo wizard > /etc/ttyd-admins
echo '{"vbarzin":{"os_user":"wizard","port":3775},"ancaelena98":{"os_user":"ancamilea","port":3790},"emil.barzin":{"os_user":"emo","port":3781}}' > /etc/t3-serve/dispatch.json
for pair in wizard:3775 ancamilea:3790 emo:3781; do
  who=\${pair%:*}; printf 'OWN=of-%s\\nT3_PORT=%s\\n' "$who" "\${pair#*:}" > /etc/t3-serve/$who.env; chown $who: /etc/t3-serve/$who.env; chmod 600 /etc/t3-serve/$who.env
done
printf '[Service]\\nUser=%%i\\nEnvironmentFile=/etc/t3-serve/%%i.env\\nExecStart=/usr/local/bin/t3-stub\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/t3-serve@.service
systemctl daemon-reload
systemctl enable -q --now t3-serve@wizard t3-serve@ancamilea t3-serve@emo
`;

const OBJECTS = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "plotting-book", labels: { team: "books" } } },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "strange" } },
  binding("plotting-book", "helpers", "view", "guest@lab.example"),
  binding("strange", "theirs", "admin", "guest@lab.example"),
  {
    ...{ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "quota", namespace: "plotting-book" } },
    spec: { hard: { pods: "10" } },
  },
  {
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "theirs", namespace: "plotting-book" } },
    data: { chapter: "one" },
  },
];

/** It is older than the record of owners. */
const OWNERLESS = {
  ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
  metadata: { name: "deny-other-tenants", namespace: "plotting-book", labels: { team: "books" } },
  spec: { podSelector: {}, policyTypes: ["Ingress"] },
};
const WITHOUT_OWNERS = ["--type=merge", '--patch={"metadata":{"managedFields":[{}]}}'];

/** What another tool deployed, as the program wants it but for that tool's annotations. */
const OWNER = binding("plotting-book", "owner", "admin", "ancaelena98@lab.example", [
  { kind: "ServiceAccount", name: "dashboard-anca", namespace: "plotting-book" },
]);
const OF_HELM = { "meta.helm.sh/release-name": "rights", "meta.helm.sh/release-namespace": "plotting-book" };
const HELM_OBJECTS = [{ ...OWNER, metadata: { ...OWNER.metadata, annotations: OF_HELM } }];

function binding(namespace: string, name: string, role: string, email: string, more: readonly object[] = []) {
  return {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name, namespace } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: email }, ...more],
  };
}

interface Answer {
  readonly ok: boolean;
  readonly message?: string;
  readonly people: readonly string[];
  readonly guesses: readonly string[];
  readonly open: readonly string[];
  readonly differences: readonly string[];
  readonly keepers: readonly string[];
  readonly strangers: readonly string[];
  readonly adopted: number;
  readonly made: number;
}

function importing(out: string, ...more: readonly string[]): { readonly code: number | null; readonly answer: Answer } {
  const args = ["import", "--json", "--out", join(folder, out), ...stack.target, ...more];
  const ran = spawnSync(join(PROJECT, "ws"), args, { encoding: "utf8", env: { ...stack.engine.env }, cwd: folder });
  if (!ran.stdout.startsWith("{")) throw new Error(`${ran.stdout}\n${ran.stderr}`);
  return { code: ran.status, answer: JSON.parse(ran.stdout) as Answer };
}

async function create(items: readonly object[], ...options: readonly string[]): Promise<void> {
  const file = join(folder, "objects.json");
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  await stack.kubectl(["create", "--filename", file, ...options]);
}

const text = (name: string) => readFileSync(join(folder, name), "utf8");
const asRoot = () => ["--vault-token-file", join(folder, "token")];
const said = ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) =>
  `exit code ${code}\n${stdout}\n${stderr}`;

beforeAll(async () => {
  stack = await freshStack();
  const instance = await openInstance(instanceName());
  forge = await findForge(instance);
  const { address, caFile, rootToken } = await vaultFact.read(instance);
  vault = await labVault(address, caFile, rootToken);
  writeFileSync(join(folder, "token"), rootToken);
  await stack.sh(`FORGE=${forge.url}\n${HOST}`);
  await stack.kubectl(["delete", "namespace", "plotting-book", "strange", "--ignore-not-found"]);
  await create([...OBJECTS, OWNERLESS]);
  await stack.kubectl([
    ...["patch", "networkpolicy", "deny-other-tenants", "--namespace=plotting-book"],
    ...WITHOUT_OWNERS,
  ]);
  expect(await ownersOf("networkpolicy/deny-other-tenants")).toEqual([]);
  await create(HELM_OBJECTS, "--field-manager=helm");
  const { api } = forge;
  await api.must("PATCH", "admin/users/ebarzin", {
    login_name: "ebarzin",
    source_id: 0,
    email: "emil.barzin@lab.example",
  });
  if ((await api.ask("GET", "users/stranger")).status === 404) await forge.createUser("stranger");
  for (const login of ["ebarzin", "stranger"])
    await api.must("PUT", `${rights}/collaborators/${login}`, { permission: "write" });
  await api.ask("DELETE", `${rights}/branch_protections/master`);
  const lists = { enable_push: true, enable_push_whitelist: true, push_whitelist_usernames: ["ebarzin", "stranger"] };
  await api.must("POST", `${rights}/branch_protections`, { rule_name: "master", ...lists });
  await vault.must("PUT", "sys/policies/acl/namespace-owner-anca", {
    policy: 'path "secret/data/anca" { capabilities = ["read"] }',
  });
  await vault.must("PUT", "sys/policies/acl/namespace-owner-gone", {
    policy: 'path "secret/data/gone" { capabilities = ["read"] }',
  });
  await stack.prepare({});
});
afterAll(async () => {
  await stack.kubectl(["delete", "namespace", "strange", "plotting-book", "--wait=false"]);
  await forge.api.must("DELETE", `${rights}/collaborators/stranger`);
  await forge.api.must("DELETE", `${rights}/branch_protections/master`);
  const email = "ebarzin@forge.invalid";
  await forge.api.must("PATCH", "admin/users/ebarzin", { login_name: "ebarzin", source_id: 0, email });
  await vault.must("DELETE", "sys/policies/acl/namespace-owner-gone");
  rmSync(folder, { recursive: true });
});

test("a surface that cannot be read ends the import with its name, and nothing is written", () => {
  const { code, answer } = importing("refused");
  expect([code, answer.ok]).toEqual([1, false]);
  expect(answer.message).toMatch(/Vault: its policies cannot be listed \(status 403\).*--vault-token-file/);
  expect(() => text("refused/roster.yaml")).toThrow("ENOENT");
});

/** Which fields of the cluster's objects change their owner, and which do not. */
const TAKEN = [
  "ResourceQuota plotting-book/quota: spec.hard.pods: taken over from kubectl-create",
  "RoleBinding plotting-book/owner: roleRef, subjects: taken over from helm",
  "Namespace plotting-book: metadata.labels.team: kept as kubectl-create set it",
  "NetworkPolicy plotting-book/deny-other-tenants: records no owners, so the declared fields become the program's",
  "NetworkPolicy plotting-book/deny-other-tenants: metadata.labels.team: kept",
];

/** Who would put an adopted object back or delete it. */
const KEPT_BY_HELM =
  "RoleBinding plotting-book/owner: still kept by the Helm release rights in plotting-book, which puts it back at an " +
  "upgrade and deletes it at an uninstall; first set helm.sh/resource-policy: keep on it in the chart, upgrade, remove " +
  "it from the chart, and then remove meta.helm.sh/release-name from the object";

test("the import writes rows with every guess marked, keeps uids and ports, and lists who fits no row", () => {
  const { code, answer } = importing("found", ...asRoot());
  expect(answer.open).toEqual([]);
  expect(code).toBe(0);
  // Other files that use the same lab leave collaborators behind.
  const isOurs = (line: string) => !/^ +# forgejo: \{ login: (?!stranger,)/.test(line);
  const roster = text("found/roster.yaml").split("\n").slice(2).filter(isOurs).join("\n");
  expect(roster).toBe(`users:
  wizard:
    authentik_user: vbarzin
    k8s_user: wizard # guess: the user map has this name
    tier: admin
    # forgejo: { login: stranger, push: true } # if this login is theirs: no row has it, and the first deployment takes the push right of such a login
  emo:
    authentik_user: emil.barzin
    k8s_user: emo # guess: the user map has this name
    tier: power-user
    forgejo: { login: ebarzin, push: true }
  ancamilea:
    authentik_user: ancaelena98
    k8s_user: anca # guess: the user map's e-mail there is ancaelena98@lab.example
    tier: namespace-owner
    namespaces: [plotting-book]
    code_layout: workspace
    repos: [tripit]
    # forgejo: { login: stranger, push: true } # if this login is theirs: no row has it, and the first deployment takes the push right of such a login
`);
  const { people } = JSON.parse(text("found/ledger.json")) as {
    people: Record<string, { uid: number; ports: { t3: number } }>;
  };
  expect(Object.entries(people).map(([who, { uid, ports }]) => [who, uid, ports.t3])).toEqual([
    ["ancamilea", 1042, 3790],
    ["emo", 1007, 3781],
    ["wizard", 1003, 3775],
  ]);
  for (const stranger of [
    "devvm: the account zoe (uid 1099) is in no map, so nobody signs in as it",
    "the cluster: theirs gives admin in strange to guest@lab.example, who has no row",
    "the cluster: the binding plotting-book/helpers is not the program's and stays in force",
    "the forge: stranger collaborates and may push to the protected branch, and has no row",
    "Vault: the policy namespace-owner-gone fits no row",
  ])
    expect(answer.strangers).toContain(stranger);
  for (const difference of [
    "ResourceQuota plotting-book/quota: spec.hard.pods: is 10, and 20 is wanted",
    ...TAKEN,
    "Policy namespace-owner-anca: its text is another one",
    "BranchWriters forge/infra/master: stranger would be taken off its push list; a row keeps them on it",
  ])
    expect(answer.differences).toContain(difference);
  expect(answer.keepers).toEqual([KEPT_BY_HELM]);
  expect(text("found/report.txt")).toContain(KEPT_BY_HELM);
  expect(`${JSON.stringify(answer)}${text("found/report.txt")}`).not.toContain("a-password");
});

test("with rows of one's own nothing is guessed, and ledger and adoption follow them", () => {
  const { code, answer } = importing("second", "--roster", join(folder, "found/roster.yaml"), ...asRoot());
  expect([code, answer.open, answer.guesses]).toEqual([0, [], []]);
  for (const name of ["roster.yaml", "ledger.json", "adopt.json"])
    expect(text(`second/${name}`)).toBe(text(`found/${name}`));
});

const settings = (): readonly Setting[] => [
  [["ledgerSeed"], join(folder, "found/ledger.json")],
  [["adopt"], join(folder, "found/adopt.json")],
  [
    ["devvm", "adoptExisting"],
    ["ancamilea", "emo", "wizard"],
  ],
];

let before: string;

/** Who owns fields of an object in the adopted namespace, but for its status. */
async function ownersOf(object: string): Promise<readonly string[]> {
  const asked = ["get", object, "--namespace=plotting-book", "--output=json", "--show-managed-fields"];
  const { metadata } = JSON.parse((await stack.kubectl(asked)).stdout) as {
    readonly metadata: { readonly managedFields?: readonly { manager: string; subresource?: string }[] };
  };
  return (metadata.managedFields ?? [])
    .filter(({ subresource }) => subresource === undefined)
    .map(({ manager }) => manager);
}

/** The labels that somebody else gave to the namespace and to the object without owners. */
const teamLabels = async () => {
  const label = "--output=jsonpath={.metadata.labels.team}";
  const policy = ["networkpolicy", "deny-other-tenants", "--namespace=plotting-book"];
  const found = [["namespace", "plotting-book"], policy].map((object) => stack.kubectl(["get", ...object, label]));
  return (await Promise.all(found)).map(({ stdout }) => stdout);
};

test("an object that exists and is not in the adoption file stops the preview with its name", async () => {
  const metadata = { name: "defaults", namespace: "plotting-book" };
  const limits = [{ type: "Container", default: { cpu: "1" } }];
  await create([{ apiVersion: "v1", kind: "LimitRange", metadata, spec: { limits } }]);
  await stack.prepare(text("found/roster.yaml"), settings());
  const ran = await stack.engine.pulumi(["preview", ...stack.target], { accept: [0, 1, 255] });
  expect(said(ran)).toContain("LimitRange plotting-book/defaults exists already, and the stack does not have it");
  expect(ran.code).not.toBe(0);
  await stack.kubectl(["delete", "limitrange", "defaults", "--namespace=plotting-book"]);
});

test("the first preview takes over what is there, says exactly what differs, and nothing happens to anybody", async () => {
  before = await stack.sh(THEIRS);
  await stack.prepare(text("found/roster.yaml"), settings());
  const ran = await stack.engine.pulumi(["preview", "--diff", ...stack.target], { accept: [0, 1, 255] });
  expect(said(ran)).toMatch(/^exit code 0/);
  expect(ran.stdout).not.toContain("What will happen to whom");
  expect(ran.stdout).not.toMatch(/no declared resource matches it/);
  expect(ran.stdout).toMatch(/= kubernetes:core\/v1:Namespace/);
  expect(ran.stdout).toMatch(/pods\s*: "10" => "20"/);
  expect(ran.stdout).not.toMatch(/to (replace|delete)/);
  for (const sentence of [...TAKEN, KEPT_BY_HELM]) expect(said(ran)).toContain(sentence);
  expect(await ownersOf("rolebinding/owner")).toEqual(["helm"]);
  const { resources } = JSON.parse(text("found/adopt.json")) as { readonly resources: readonly object[] };
  expect(ran.stdout).toContain(`= ${resources.length} to import`);
});

test("the first up leaves people, homes, clones and ports as they are, and strangers where they were", async () => {
  const ran = await stack.up(text("found/roster.yaml"), settings());
  expect(said(ran)).toMatch(/^exit code 0/);
  expect(await stack.sh(THEIRS)).toBe(before);
  // An admin is in the groups of the tier from now on; nobody else's groups change.
  expect((await stack.sh("id --groups --name wizard")).split(" ").sort()).toEqual([
    "code-shared",
    "docker",
    "sudo",
    "wizard",
  ]);
  expect(
    await stack.sh("stat --format '%n %a' /home/ancamilea; systemctl is-active t3-serve@emo; getent passwd zoe"),
  ).toMatch(/^\/home\/ancamilea 755\nactive\nzoe:x:1099:/);
  const asked = ["get", "configmap,rolebinding", "--namespace=plotting-book", "--output=name"];
  const objects = (await stack.kubectl(asked)).stdout;
  for (const name of ["configmap/theirs", "rolebinding.rbac.authorization.k8s.io/helpers"])
    expect(objects).toContain(name);
  expect(await teamLabels()).toEqual(["books", "books"]);
  const program = expect.stringMatching(/^pulumi-kubernetes-[0-9a-f]{8}$/);
  expect(await ownersOf("resourcequota/quota")).toEqual([program]);
  expect([...(await ownersOf("networkpolicy/deny-other-tenants"))].sort()).toEqual(["before-workstation", program]);
  // Helm's annotations stay its own.
  expect([...(await ownersOf("rolebinding/owner"))].sort()).toEqual(["helm", program]);
  expect((await forge.api.ask("GET", `${rights}/collaborators/stranger`)).status).toBe(204);
  expect((await vault.ask("GET", "sys/policies/acl/namespace-owner-gone")).status).toBe(200);
});

test("an object is taken over once: a preview with the adoption file still set takes nothing again", async () => {
  const adopting = settings().filter(([[name]]) => name !== "ledgerSeed");
  await stack.prepare(text("found/roster.yaml"), adopting);
  const ran = await stack.engine.pulumi(["preview", ...stack.target], { accept: [0, 1, 255] });
  expect(said(ran)).toMatch(/^exit code 0/);
  expect(said(ran)).not.toMatch(/taken over from|records no owners|: kept as/);
});

test("a second up, without the settings of the first, changes nothing", async () => {
  const roster = text("found/roster.yaml");
  const adopting = settings().slice(2);
  expect(said(await stack.up(roster, adopting))).toMatch(/^exit code 0/);
  const touched = await stack.touched();
  const ran = await stack.up(roster, adopting);
  expect(said(ran)).toMatch(/^exit code 0/);
  expect(ran.stdout).not.toMatch(/[+~-] \d+ (created|updated|deleted)/);
  expect(await stack.touched()).toEqual(touched);
  expect(await teamLabels()).toEqual(["books", "books"]);
});

test("an import of a stack that was deployed takes over what its state lacks alone, and keeps its ledger", async () => {
  const { code, answer } = importing("deployed", "--roster", join(folder, "found/roster.yaml"), ...asRoot());
  expect([code, answer.open, answer.adopted, answer.made]).toEqual([0, [], 0, 0]);
  expect(JSON.parse(text("deployed/adopt.json"))).toMatchObject({ resources: [] });
  expect(() => text("deployed/ledger.json")).toThrow("ENOENT");
  expect(text("deployed/report.txt")).toMatch(/ are the stack's already\./);
  expect(text("deployed/report.txt")).not.toContain("ledgerSeed");
});

test("what a killed run made and did not record is taken into the state by the next, and stays as it is", async () => {
  const defaults = () => stack.kubectl(["get", "limitrange", "defaults", "--namespace=plotting-book", "--output=json"]);
  const uid = async () =>
    (JSON.parse((await defaults()).stdout) as { readonly metadata: { readonly uid: string } }).metadata.uid;
  const urns = await stack.engine.pulumi(["stack", "--show-urns", "--stack", STACK]);
  const urn = /urn:\S+kubernetes:core\/v1:LimitRange::tenant-plotting-book\S*/.exec(urns.stdout)?.[0] ?? "";
  const made = await uid();
  await stack.engine.pulumi(["state", "delete", urn, "--yes", "--stack", STACK]);
  const ran = await stack.up(text("found/roster.yaml"), settings().slice(2));
  expect(said(ran)).toMatch(/^exit code 0/);
  expect(said(ran)).toContain("LimitRange plotting-book/defaults exists already, as the program declares it");
  expect(ran.stdout).toMatch(/^ += 1 imported$/m);
  expect(await uid()).toBe(made);
  const again = await stack.up(text("found/roster.yaml"), settings().slice(2));
  expect(again.stdout).not.toMatch(/[+~-] \d+ (created|updated|deleted)/);
});

test("an object that a later deployment is about to create, and that exists, stops its preview and it with its name", async () => {
  await stack.kubectl(["create", "configmap", "map-of-theirs", "--namespace=default", "--from-literal=mine=yes"]);
  const portalMap: Setting = [["cluster", "portalMap"], { namespace: "default", name: "map-of-theirs" }];
  const deployed = await stack.up(text("found/roster.yaml"), [...settings().slice(2), portalMap]);
  const previewed = await stack.engine.pulumi(["preview", ...stack.target], { accept: [0, 1, 255] });
  for (const ran of [previewed, deployed]) {
    expect(ran.code).not.toBe(0);
    expect(said(ran)).toContain("ConfigMap default/map-of-theirs exists already, and the stack does not have it");
  }
  const kept = ["get", "configmap", "map-of-theirs", "--namespace=default", "--output=jsonpath={.data}"];
  expect((await stack.kubectl(kept)).stdout).toBe('{"mine":"yes"}');
  await stack.kubectl(["delete", "configmap", "map-of-theirs", "--namespace=default"]);
});

test("the program changes later what it adopted, whoever made it, and labels made by hand stay", async () => {
  const roster = text("found/roster.yaml").replace(/^ {2}ancamilea:[\s\S]*/m, "");
  const ran = await stack.up(roster, settings().slice(2));
  expect(said(ran)).toMatch(/^exit code 0/);
  const subjects = [
    "get",
    "rolebinding",
    "owner",
    "--namespace=plotting-book",
    "--output=jsonpath={.subjects[*].name}",
  ];
  expect((await stack.kubectl(subjects)).stdout).toBe("workstation:nobody");
  expect(await teamLabels()).toEqual(["books", "books"]);
});
