/** The daily deployment and the drift report as they stand in `.woodpecker/`, over days that a moved clock makes pass. */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { vaultFact } from "../../lab/vault/vault.ts";
import { labVault } from "../../lab/vault/api.ts";
import type { StepRan } from "./pipelines/woodpecker.ts";
import { openWorld, ROWS, rosterText, type World } from "./pipelines/production-stack.ts";

vi.setConfig({ testTimeout: 1_800_000 });

const DAY_MS = 86_400_000;
const CLOCK = new URL("./fixtures/clock.mjs", import.meta.url);
/** Every run begins at ten in the evening: none is before what this file has made, and none ends on the next day. */
const TEN_OF_TODAY_MS = Date.parse(`${new Date().toISOString().slice(0, 10)}T22:00:00Z`);
const EVENING_MS = TEN_OF_TODAY_MS + (Date.now() > TEN_OF_TODAY_MS - DAY_MS / 12 ? DAY_MS : 0);
const dayIn = (days: number) => new Date(EVENING_MS + days * DAY_MS).toISOString().slice(0, 10);

let world: World;
let vault: Awaited<ReturnType<typeof labVault>>;

beforeAll(async () => {
  world = await openWorld();
  const dora = { authentik_user: "dora", k8s_user: "dora", tier: "power-user", email: "dora@lab.example" };
  const rows = { ...ROWS, dora: { ...dora, until: dayIn(5) } };
  await world.push(world.wizard, { to: "refs/heads/master", files: { "roster.yaml": rosterText(rows) } });
  await world.deployByHand();
  const { address, caFile, rootToken } = await vaultFact.read(world.lab);
  vault = await labVault(address, caFile, rootToken);
}, 1_200_000);
afterAll(() => world?.close());

interface DayRan {
  /** Exit codes by step. */
  readonly codes: Readonly<Record<string, number | null>>;
  /** What the chat was told. */
  readonly chat: readonly string[];
  /** Messages of the deployments that were made. */
  readonly deployed: readonly string[];
  readonly logs: string;
}

/** One run of a schedule's pipeline, so many days from now. */
async function onDay(days: number, file: "daily.yaml" | "drift.yaml"): Promise<DayRan> {
  const [told, before] = [world.chat.length, await world.history()];
  const ran: readonly StepRan[] = await world.pipeline(file, {
    CI_PIPELINE_EVENT: "cron",
    CI_COMMIT_SHA: "0".repeat(40),
    NODE_OPTIONS: `--import ${CLOCK.href}`,
    WS_TEST_CLOCK_MS: String(EVENING_MS + days * DAY_MS - Date.now()),
  });
  const history = await world.history();
  return {
    codes: Object.fromEntries(ran.map(({ name, code }) => [name, code])),
    chat: world.chat.slice(told),
    deployed: history.slice(0, history.length - before.length).map(({ message }) => message),
    logs: ran.map(({ name, log }) => `--- ${name}\n${log}`).join("\n"),
  };
}

const DONE = { checkout: 0, daily: 0, confirm: 0, publish: 0, credentials: 0 };
const LOOKED = { checkout: 0, drift: 0 };
const QUIET = { chat: [], deployed: [] };
const AGE = "/var/lib/workstation/delivered.json";
const ageMs = async () => Date.now() - (JSON.parse(await world.sh(`cat ${AGE}`)) as { readonly atMs: number }).atMs;
/** A host's own copy of what was delivered, as a restored image would bring it back. */
const IMAGED = "parts ledger.json delivered.json";
const expectDay = (ran: DayRan, expected: object) => expect(ran, ran.logs).toMatchObject(expected);

test("a daily deployment without changes is silent, deploys nothing, and renews the delivery's age on the host", async () => {
  await world.sh(`echo '{"atMs":${Date.now() - 20 * DAY_MS}}' > ${AGE}`);
  expectDay(await onDay(0, "daily.yaml"), { codes: DONE, ...QUIET });
  expect(await ageMs()).toBeLessThan(10 * 60_000);
});

const NAMESPACE = "--namespace=plotting-book";
const objects = async () =>
  (await world.kubectl("get", "quota,netpol,rolebinding", NAMESPACE, "--output=name")).split("\n").sort();
const subjects = () =>
  world.kubectl("get", "clusterrolebinding", "oidc-power-user", "--output=jsonpath={.subjects[*].name}");
const verbs = () =>
  world.kubectl("get", "clusterrole", "dashboard-nav-readonly", "--output=jsonpath={.rules[*].verbs}");
const collaborator = (method: string) =>
  world.forge.api.ask(
    method,
    `repos/${world.forge.owner}/${world.forge.infra}/collaborators/ebarzin`,
    undefined,
    world.forge.admin,
  );
const isCollaborator = async () => (await collaborator("GET")).status === 204;
const policies = async () =>
  ((await vault.must("GET", "sys/policies/acl?list=true")) as { readonly data: { readonly keys: readonly string[] } })
    .data.keys;

test("what was deleted or added by hand in the cluster, in Vault and on the forge is as deployed after the daily run", async () => {
  const [had, bound, may] = [await objects(), await subjects(), await verbs()];
  const policy = (await policies()).find((name) => name.includes("emo")) ?? "";
  const { body: text } = await vault.ask("GET", `sys/policies/acl/${policy}`);
  await world.kubectl("delete", NAMESPACE, ...had.filter((name) => /quota|networkpolicy|\/owner$/.test(name)));
  const intruder = { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "intruder@lab.example" };
  const patch = JSON.stringify([{ op: "add", path: "/subjects/-", value: intruder }]);
  await world.kubectl("patch", "clusterrolebinding", "oidc-power-user", "--type=json", `--patch=${patch}`);
  // Appended, where the Kubernetes plugin sees nothing, and as a program whose fields it does not take by itself.
  const rule = JSON.stringify([
    { op: "add", path: "/rules/-", value: { apiGroups: ["*"], resources: ["*"], verbs: ["*"] } },
  ]);
  const asProgram = ["--type=json", `--patch=${rule}`, "--field-manager=intruder"];
  await world.kubectl("patch", "clusterrole", "dashboard-nav-readonly", ...asProgram);
  await vault.must("DELETE", `sys/policies/acl/${policy}`);
  await collaborator("DELETE");
  const now = async () => [await objects(), await subjects(), await verbs(), await isCollaborator()];
  expect(await now()).not.toEqual([had, bound, may, true]);

  const drift = await onDay(0, "drift.yaml");
  expectDay(drift, { codes: { drift: 1 }, deployed: [] });
  const repaired = await onDay(0, "daily.yaml");
  expectDay(repaired, { codes: DONE });
  for (const what of [
    /ResourceQuota/,
    /NetworkPolicy/,
    /RoleBinding/,
    /ClusterRole\b/,
    /ClusterRoleBinding/,
    /Policy/,
    /Collaborator/,
  ]) {
    expect(drift.chat.join("\n")).toMatch(what);
    expect(repaired.chat[0]).toMatch(what);
  }
  expect(repaired.chat).toHaveLength(1);
  expect(repaired.deployed).toEqual([expect.stringMatching(/^[0-9a-f]{40} deployed again by the daily deployment$/)]);
  expect(await now()).toEqual([had, bound, may, true]);
  expect((await vault.ask("GET", `sys/policies/acl/${policy}`)).body).toMatchObject({
    data: (text as { data: object }).data,
  });
  expectDay(await onDay(0, "daily.yaml"), { codes: DONE, ...QUIET });
});

test("warnings of a host and a greeting of root's shell are no drift", async () => {
  await world.sh(`runuser -u emo -- git -C /home/emo/code checkout --quiet --detach
mv /root/.bashrc /root/kept.bashrc; echo 'echo hello; echo welcome >&2' > /root/.bashrc`);
  const ran = await onDay(0, "drift.yaml");
  expectDay(ran, { codes: LOOKED, ...QUIET });
  expect(ran.logs).toMatch(/Warnings, which no run acts on:\n +devvm: emo: .*detached/);
  expectDay(await onDay(0, "daily.yaml"), { codes: DONE, ...QUIET });
  // SFTP, by which a new agent arrives, is broken by whatever a start-up file prints.
  await world.sh("mv /root/kept.bashrc /root/.bashrc 2>/dev/null || rm /root/.bashrc");
});

test("over 40 days a last day passes and a token is replaced by age, each on its day, and no other day says anything", async () => {
  await world.sh(`tar --create --file=/root/image.tar --directory=/var/lib/workstation ${IMAGED}`);
  const days: Record<string, DayRan> = {};
  // The next test goes on at the fortieth day; a unit test runs each of them.
  for (const day of [5, 6, 30, 36]) {
    if (day < 36) expectDay(await onDay(day, "drift.yaml"), { codes: LOOKED, ...QUIET });
    const ran = await onDay(day, "daily.yaml");
    expectDay(ran, { codes: DONE });
    expect(await ageMs()).toBeLessThan(10 * 60_000);
    if (ran.chat.length + ran.deployed.length > 0) days[day] = ran;
  }
  expect(Object.keys(days)).toEqual(["6", "30", "36"]);
  expect(days[6]?.chat).toEqual([expect.stringMatching(/dora .*/)]);
  expect(days[30]?.chat).toEqual([expect.stringMatching(/AccessToken/)]);
  expect(await subjects()).not.toContain("dora@lab.example");
  expect(await world.sh("passwd --status dora | cut -d' ' -f2; systemctl is-active t3-serve@dora.service; true")).toBe(
    "L\ninactive",
  );
});

test("a host that was restored from an image of before somebody left gets everything again, and they do not get in", async () => {
  await world.sh(`tar --extract --file=/root/image.tar --directory=/var/lib/workstation
rm /var/lib/workstation/cuts/dora.json
usermod --expiredate '' dora`);
  const looked = await onDay(40, "drift.yaml");
  expectDay(looked, { codes: { checkout: 0, drift: 1 } });
  expect(looked.chat).toEqual([expect.stringMatching(/devvm: holds another version of .*account\.dora/)]);
  const ran = await onDay(40, "daily.yaml");
  expectDay(ran, { codes: DONE });
  expect(ran.chat).toEqual([
    expect.stringMatching(/devvm holds another version of .*account\.dora.*: everything is delivered to it again/),
  ]);
  expect(await world.sh("chage --list dora | grep --count 'Account expires.*never'; true")).toBe("0");
  expectDay(await onDay(40, "daily.yaml"), { codes: DONE, ...QUIET });
});
