/**
 * Leaving and coming back on every surface, by the real engine: join, work, leave, others join, return, and once more
 * with the host down. What was before is compared with what is after, and what the probe says with what is.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { findForge, type Forge } from "../../lab/forge/index.ts";
import { openInstance, instanceName } from "../../lab/instance.ts";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { run } from "../../lab/run.ts";
import { type LabVault, labVault } from "../../lab/vault/api.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { changed, everybody, without } from "./people/sample.ts";
import { freshStack, type PeopleStack, type Rows } from "./people/stack.ts";

let stack: PeopleStack;
let vault: LabVault;
let forge: Forge;
const LOGIN = `nina-${Date.now().toString(36)}`;
const EMAIL = "nina@lab.example";
/** Two people leave: one with rooms and a place on the forge, and one with the groups of an admin. */
const ROWS: Rows = {
  ...everybody,
  adi: { authentik_user: "adi", k8s_user: "adi", tier: "admin", email: "adi@lab.example" },
  nina: {
    ...{ authentik_user: "nina.a", k8s_user: "nina", tier: "namespace-owner", email: EMAIL },
    ...{ namespaces: ["nina-lab", "nina-shop"], forgejo: { login: LOGIN, push: true } },
  },
};
const GONE = without(ROWS, "nina", "adi");
const OTHERS: Rows = { ...GONE, zoe: { authentik_user: "zoe", k8s_user: "zoe", tier: "power-user" } };
const BACK: Rows = { ...OTHERS, adi: ROWS.adi ?? {}, nina: ROWS.nina ?? {} };

const SETTINGS: readonly Setting[] = [
  [["devvm", "gate"], { listen: { address: "127.0.0.1", port: 8900 } }],
  [["cluster", "portalMap"], { namespace: "default" }],
  [["confirmLeave"], ["adi", "nina"]],
];
const SUSPEND: Setting = [["cluster", "plantedRights"], "suspend"];
const DOWN: Setting = [["hosts", 0, "port"], 1];

beforeAll(async () => {
  stack = await freshStack();
  await forgetPortal();
  const lab = await openInstance(instanceName());
  const { address, caFile, rootToken } = await vaultFact.read(lab);
  vault = await labVault(address, caFile, rootToken);
  forge = await findForge(lab);
  await forge.createUser(LOGIN);
  await forge.api.must("POST", `admin/users/${LOGIN}/repos`, { name: "notes" });
  const app = { name: "board", redirect_uris: ["https://board.lab.example/"], confidential_client: true };
  await forge.api.must("POST", `user/applications/oauth2?sudo=${LOGIN}`, app);
});
afterAll(forgetPortal);
afterAll(() => forge.api.must("DELETE", `repos/${LOGIN}/notes`));

/** The one thing that these runs make in a namespace that is not theirs. */
async function forgetPortal(): Promise<void> {
  await stack.kubectl(["delete", "configmap", "portal-users", "--namespace=default", "--ignore-not-found"]);
}

async function up(rows: Rows, ...settings: readonly Setting[]): Promise<string> {
  const ran = await stack.up(rows, [...SETTINGS, ...settings]);
  if (ran.code !== 0) throw new Error(`${ran.stdout}\n${ran.stderr}`);
  return ran.stdout;
}

interface Report {
  readonly ok: boolean;
  readonly people: readonly {
    readonly osUser: string;
    readonly verdict: string;
    readonly findings: readonly { readonly surface: string; readonly verdict: string; readonly says: string }[];
  }[];
}

async function probe(...names: readonly string[]): Promise<{ readonly code: number; readonly report: Report }> {
  const argv: [string, ...string[]] = [
    process.execPath,
    "--import",
    "tsx",
    "cli/main.ts",
    "probe",
    ...names,
    "--json",
    ...stack.target,
  ];
  const ran = await run(argv, { cwd: PROJECT, env: stack.engine.env, accept: [0, 1], timeoutMs: 120_000 });
  if (!ran.stdout.includes('"people"')) throw new Error(`${ran.stdout}\n${ran.stderr}`);
  return { code: ran.code, report: JSON.parse(ran.stdout) as Report };
}
const saidOf = ({ people }: Report, verdict: string) =>
  people.flatMap(({ osUser, findings }) =>
    findings.filter((one) => one.verdict === verdict).map(({ surface, says }) => `${osUser} ${surface}: ${says}`),
  );

const kube = async (...args: string[]) => (await stack.kubectl(args, [0, 1])).stdout.trim();
const may = (who: string, ...question: string[]) => kube("auth", "can-i", ...question, `--as=${who}`);
const SSH = "ssh -o StrictHostKeyChecking=no -o BatchMode=yes -i /root/nina-key nina@127.0.0.1";
const gate = () =>
  stack.sh("curl -s -o /dev/null -w '%{http_code}' -H 'X-Authentik-Username: nina.a' http://127.0.0.1:8900/");
const tokenStatus = async (token: string) =>
  (await vault.ask("GET", "auth/token/lookup-self", undefined, token)).status;
const mint = async () => {
  const body = { policies: ["workstation-claude-nina"], no_parent: true };
  return ((await vault.must("POST", "auth/token/create", body)) as { auth: { client_token: string } }).auth
    .client_token;
};
const gitToken = () => stack.sh("sed 's/.*:\\([^@]*\\)@.*/\\1/' /home/nina/.git-credentials");
const forgeStatus = async (token: string) =>
  (
    await fetch(`${forge.url}/api/v1/repos/${forge.owner}/${forge.infra}`, {
      headers: { authorization: `token ${token}` },
    })
  ).status;
const push = async (token: string) => {
  const url = `${forge.cloneUrl(forge.owner, forge.infra).replace("://", `://${LOGIN}:${token}@`)}`;
  const line = `GIT_TERMINAL_PROMPT=0 git -C /home/emo/code -c safe.directory='*' push --dry-run ${url} HEAD:refs/heads/master 2>&1 && echo in || echo out`;
  return (await stack.sh(line)).split("\n").at(-1);
};
const dashboardToken = async () => {
  const data = await kube("get", "secret", "dashboard-nina-token", "-n", "nina-lab", "-o", "jsonpath={.data.token}");
  return Buffer.from(data, "base64").toString("utf8");
};
const apiStatus = async (token: string) => {
  const ran = await stack.kubectl(
    ["auth", "whoami", `--token=${token}`, "--kubeconfig=/dev/null", ...(await server())],
    [0, 1],
  );
  return ran.code === 0 ? "in" : "out";
};
const server = async () => [
  `--server=${await kube("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")}`,
  "--insecure-skip-tls-verify",
];

/** Everything of theirs that must be the same after a return: account, files, jobs, units, ports, rooms, rights. */
async function state(): Promise<Readonly<Record<string, unknown>>> {
  const ours = "app.kubernetes.io/managed-by=workstation";
  const objects = async (kind: string, columns: string, namespace: string) =>
    (await kube("get", kind, "-n", namespace, "-o", `custom-columns=${columns}`, "--no-headers")).split("\n").sort();
  const entity = (await vault.ask("GET", "identity/entity/name/namespace-owner-nina")).body as {
    data?: { id: string; disabled: boolean; policies: string[] };
  };
  const rule = (await forge.api.must("GET", `repos/${forge.owner}/${forge.infra}/branch_protections/master`)) as {
    push_whitelist_usernames: string[];
  };
  return {
    accounts: await stack.sh("getent passwd nina adi; id -nG nina; id -nG adi; getent shadow nina adi | cut -d: -f2,8"),
    jobs: await stack.sh("crontab -u nina -l; ls /var/lib/systemd/linger | grep -x -e nina -e adi"),
    files: await stack.sh(
      "cat /etc/t3-serve/nina.env; cd /home/nina; find . -type f -not -name .git-credentials -not -path '*/.git/*' -not -path './.cache/*' | LC_ALL=C sort | xargs -d '\\n' sha256sum; git -c safe.directory='*' -C code status --porcelain; git -c safe.directory='*' -C code stash list",
    ),
    units: await stack.sh(
      "for u in t3-serve@nina browser-serve@nina t3-serve@adi; do systemctl is-active $u; systemctl is-enabled $u; done",
    ),
    maps: await stack.sh(
      "grep -h -e nina -e adi /etc/ttyd-user-map /etc/ttyd-admins; cat /etc/t3-serve/dispatch.json | tr -d ' \\n' | grep -o '\"nina.a\":{[^}]*}'",
    ),
    gate: await gate(),
    rooms: await kube("get", "namespaces", "nina-lab", "nina-shop", "-o", "jsonpath={.items[*].metadata.uid}"),
    bindings: await objects("rolebindings", "N:.metadata.name,R:.roleRef.name,S:.subjects[*].name", "nina-lab"),
    work: await objects("configmaps,secrets,serviceaccounts", "K:.kind,N:.metadata.name", "nina-lab"),
    quota: await kube("get", "resourcequota", "quota", "-n", "nina-lab", "-o", "jsonpath={.spec.hard}"),
    rights: [
      await may(EMAIL, "create", "pods", "-n", "nina-shop"),
      await may("adi@lab.example", "get", "secrets", "-A"),
    ],
    portal: await kube(
      "get",
      "configmap",
      "portal-users",
      "-n",
      "default",
      "-l",
      ours,
      "-o",
      "jsonpath={.items[0].data}",
    ),
    vault: [entity.data?.id, entity.data?.disabled, entity.data?.policies],
    policies: (await vault.ask("GET", "sys/policies/acl/workstation-claude-nina")).body === undefined,
    forge: [
      (await forge.api.ask("GET", `repos/${forge.owner}/${forge.infra}/collaborators/${LOGIN}`)).status,
      rule.push_whitelist_usernames.includes(LOGIN),
    ],
  };
}

/** What they did while they were in, all of it there to be cut or to be kept. */
const WORK = `set -e
rm -f /root/nina-key*; ssh-keygen -q -t ed25519 -N '' -f /root/nina-key
install -d -m 700 -o nina -g nina /home/nina/.ssh; install -m 600 -o nina -g nina /root/nina-key.pub /home/nina/.ssh/authorized_keys
echo thoughts > /home/nina/notes; echo half done >> /home/nina/code/README.md; chown nina: /home/nina/notes /home/nina/code/README.md
echo '0 5 * * * /bin/true' | crontab -u nina -`;
const PLANTED = {
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "work", namespace: "nina-lab" }, data: { of: "nina" } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot", namespace: "nina-lab" } },
    {
      ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/service-account-token" },
      metadata: {
        name: "robot-token",
        namespace: "nina-lab",
        annotations: { "kubernetes.io/service-account.name": "robot" },
      },
    },
    {
      ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
      // With our own label, by which it would pass for the program's.
      metadata: { name: "robots", namespace: "nina-lab", labels: { "app.kubernetes.io/managed-by": "workstation" } },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      subjects: [
        { kind: "ServiceAccount", name: "robot", namespace: "nina-lab" },
        { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "friend@lab.example" },
      ],
    },
  ],
};
const ROBOT = "system:serviceaccount:nina-lab:robot";

let before: Readonly<Record<string, unknown>>;
let secrets: { readonly git: string; readonly dashboard: string; readonly vault: string };
/** Each of the former ways in, tried again. */
const waysIn = async () => ({
  gate: await gate(),
  ssh: await stack.sh(`${SSH} true >/dev/null 2>&1 && echo in || echo out`),
  processes: await stack.sh("ps -u nina -o pid= | wc -l"),
  sudo: await stack.sh("id -nG adi; sudo -l -U adi | tail -n 1"),
  cluster: [await may(EMAIL, "list", "pods", "-n", "nina-lab"), await may("adi@lab.example", "get", "secrets", "-A")],
  dashboard: await apiStatus(secrets.dashboard),
  vault: await tokenStatus(secrets.vault),
  forge: [await forgeStatus(secrets.git), await push(secrets.git)],
});
const OUT = {
  ...{ gate: "403", ssh: "out", processes: "0", sudo: "adi\nUser adi is not allowed to run sudo on devvm." },
  ...{ cluster: ["no", "no"], dashboard: "out", vault: 403, forge: [401, "out"] },
};

test("they join and work, and every way in is open: what is denied later was possible", async () => {
  await up(ROWS, SUSPEND);
  await stack.sh(WORK);
  const file = "/tmp/planted.json";
  await run(["sh", "-c", `cat > ${file}`], { input: JSON.stringify(PLANTED) });
  await stack.kubectl(["apply", "-f", file]);
  await stack.sh(`${SSH} 'setsid sleep 4000 </dev/null >/dev/null 2>&1 & true'`);
  secrets = { git: await gitToken(), dashboard: await dashboardToken(), vault: await mint() };
  before = await state();
  const { sudo, processes, ...open } = await waysIn();
  expect(open).toEqual({
    ...{ gate: "200", ssh: "in", cluster: ["yes", "yes"], dashboard: "in", vault: 200, forge: [200, "in"] },
  });
  expect([!sudo.includes("is not allowed"), sudo.includes("docker"), Number(processes) > 3]).toEqual([
    true,
    true,
    true,
  ]);
  expect([await may(ROBOT, "get", "secrets", "-n", "nina-lab"), before.maps]).toEqual([
    "yes",
    expect.stringContaining("nina.a=nina"),
  ]);
});

test("they leave: every way in is shut, what they had planted rests, and the probe says so and finds nothing to do", async () => {
  const said = await up(GONE, SUSPEND);
  expect(said).toContain("nina is offboarded");
  expect(await waysIn()).toEqual(OUT);
  expect(await may(ROBOT, "get", "secrets", "-n", "nina-lab")).toBe("no");
  expect(await may("friend@lab.example", "get", "secrets", "-n", "nina-lab")).toBe("no");
  const { code, report } = await probe();
  expect([saidOf(report, "needs-a-hand"), saidOf(report, "unknown"), code]).toEqual([[], [], 0]);
  expect(report.people.map(({ osUser }) => osUser)).toEqual(["adi", "nina"]);
  expect(saidOf(report, "residual")).toEqual([
    expect.stringContaining("suspended: RoleBinding nina-lab/robots"),
    expect.stringContaining("the token of ServiceAccount nina-lab/robot is out, without any right"),
    expect.stringContaining(`nina forge: ${LOGIN} owns 1 repository: ${LOGIN}/notes`),
    expect.stringContaining(`nina forge: ${LOGIN} registered the OAuth applications board and knows their secrets`),
  ]);
  const cut = saidOf(report, "cut").join("\n");
  for (const words of [
    "the code-server proxy answers 403",
    "the system refuses every login",
    "access reviews of nina@lab.example: all no",
    "no collaborator",
  ])
    expect(cut).toContain(words);
});

test("others join meanwhile and take nothing of theirs; back again, all is as it was, with fresh tokens", async () => {
  const said = await up(OTHERS, SUSPEND);
  expect(said).toContain("zoe joins");
  expect(await stack.sh("id -u zoe")).toBe("20005");
  expect(await up(BACK, SUSPEND)).toContain("nina returns");
  expect(await state()).toEqual(before);
  expect(await may(ROBOT, "get", "secrets", "-n", "nina-lab")).toBe("yes");
  const fresh = { git: await gitToken(), dashboard: await dashboardToken(), vault: await mint() };
  expect([
    await forgeStatus(secrets.git),
    await apiStatus(secrets.dashboard),
    await tokenStatus(secrets.vault),
  ]).toEqual([401, "out", 403]);
  expect([fresh.git === secrets.git, fresh.dashboard === secrets.dashboard]).toEqual([false, false]);
  secrets = fresh;
  expect((await waysIn()).forge).toEqual([200, "in"]);
});

test("they leave again while the host is down: cut everywhere else at once, pending there, and the run is red", async () => {
  const ran = await stack.up(OTHERS, [...SETTINGS, DOWN]);
  expect(ran.code).not.toBe(0);
  expect(ran.stdout).toMatch(
    /devvm does not answer [\s\S]*Revoked on all other surfaces; pending on this host: adi, nina\./,
  );
  const { gate: open, ssh, processes: _running, sudo: _groups, dashboard: _powerless, ...elsewhere } = await waysIn();
  expect({ ...elsewhere, open, ssh }).toEqual({
    ...{ cluster: ["no", "no"], vault: 403, forge: [401, "out"], open: "200", ssh: "in" },
  });
  expect(await may("system:serviceaccount:nina-lab:dashboard-nina", "list", "pods", "-n", "nina-lab")).toBe("no");
  const { code, report } = await probe("nina");
  expect([code, report.people[0]?.verdict]).toEqual([1, "needs-a-hand"]);
  expect(saidOf(report, "unknown")).toEqual([
    expect.stringContaining("their access there is revoked by the next deployment that reaches it"),
  ]);
  // Reported and left, as the setting is now.
  expect(saidOf(report, "needs-a-hand")).toEqual([
    "nina cluster: RoleBinding nina-lab/robots gives ClusterRole admin to ServiceAccount nina-lab/robot, User friend@lab.example",
  ]);
});

test("the next delivery that reaches the host cuts them there, and a second return brings all back once more", async () => {
  await up(OTHERS);
  expect(await waysIn()).toEqual(OUT);
  expect(saidOf((await probe("adi")).report, "unknown")).toEqual([]);
  await up(BACK);
  expect(await state()).toEqual(before);
});

test("after the last day the host cuts by its own clock, without any delivery", async () => {
  const part = "/var/lib/workstation/parts/account.nina.json";
  await stack.sh(
    `cp ${part} /root/part; sed -i 's/"state":"present"/"state":"present","until":"2020-01-01"/' ${part}; rm /var/lib/workstation/hold; workstation reconcile`,
  );
  const { gate: answer, ssh, processes } = await waysIn();
  expect({ answer, ssh, processes }).toEqual({ answer: "403", ssh: "out", processes: "0" });
  await stack.sh(`cp /root/part ${part}; workstation reconcile; echo test > /var/lib/workstation/hold`);
  const { gate: again } = await waysIn();
  expect(again).toBe("200");
});

test("a new name is not a leave and a join: the same uid, ports, home, jobs and rooms", async () => {
  const { nina = {}, ...others } = BACK;
  const renamed = changed({ ...others, ninette: nina }, "ninette", { previously: { os_user: "nina" } });
  await stack.sh("systemctl stop user-20003.slice");
  const said = await up(renamed);
  expect(said).toContain("ninette is the new name of nina: the same account");
  expect(
    await stack.sh(
      "getent passwd nina ninette | cut -d: -f1,3,6; readlink /home/nina; cat /home/ninette/notes; crontab -u ninette -l; grep T3_PORT /etc/t3-serve/ninette.env; systemctl is-active t3-serve@ninette user@20003; loginctl show-user 20003 -p Name -p Linger --value; ls /var/lib/systemd/linger | grep nin; ls /etc/t3-serve/nina.env 2>&1 | wc -l; ls /var/lib/workstation/parts | grep -c '\\.nina\\.' || true",
    ),
  ).toBe(
    [
      ...["ninette:20003:/home/ninette", "ninette", "thoughts", "0 5 * * * /bin/true"],
      ...[
        String(before.files)
          .split("\n")
          .find((line) => line.startsWith("T3_PORT")),
        ...["active", "active", "ninette", "yes", "ninette", "1", "0"],
      ],
    ].join("\n"),
  );
  expect([await gate(), (await state()).rooms, await may(EMAIL, "create", "pods", "-n", "nina-shop")]).toEqual([
    "200",
    before.rooms,
    "yes",
  ]);
});
