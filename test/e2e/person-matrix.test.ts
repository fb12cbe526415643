/**
 * Walks every changed field of a row, surface by surface, through a change, the change back, a swap between two people and a
 * host that is down: the access of the former value is tried and gone, and a second deployment changes nothing.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { startDevVm, type DevVm } from "../../lab/devvm/index.ts";
import { findForge } from "../../lab/forge/index.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";
import { type Access, openAccess } from "./people/access.ts";
import { CELLS, type Cell, type CellName, nameOf, REFUSALS } from "./people/row-changes.ts";
import { freshStack, type PeopleStack, type Rows } from "./people/stack.ts";

const RUN = Date.now().toString(36);
const LOGINS = { A: `hal-a-${RUN}`, B: `hal-b-${RUN}`, C: `ida-${RUN}` };
const loginOf = (name: string) => `${name}-${RUN}`;
/** Of those who try the protected branch. */
const PUSHERS = ["fay", "gil", "lee", "moe"];
type Value = "before" | "after";

/** A deployment takes half a minute; on a machine that does other things it takes many. */
const STEP_MS = 900_000;

let stack: PeopleStack;
let second: DevVm;
let vault: VaultWorld;
let access: Access;
let settings: readonly Setting[];
/** Nothing listens on this port of the first host. */
const DOWN: Setting = [["hosts", 0, "port"], 1];

const mail = (name: string) => `${name}@lab.example`;
const person = <More extends object>(name: string, tier: string, more: More) => ({
  ...{ authentik_user: `${name}.a`, k8s_user: name, tier, email: mail(name) },
  ...more,
});
const owner = <More extends object>(name: string, more: More) =>
  person(name, "namespace-owner", { namespaces: [`${name}-a`], ...more });
const BASE = {
  // Stays on the second host: one that everybody leaves at once waits for an admin's confirmation.
  wizard: person("wizard", "admin", { host: "devvm2" }),
  fay: person("fay", "power-user", {
    ...{ limits: { memory: "3G", pane_memory: "2G" }, forgejo: { login: loginOf("fay"), push: false } },
  }),
  gil: person("gil", "power-user", {
    ...{ limits: { memory: "5G", pane_memory: "2G" }, forgejo: { login: loginOf("gil") } },
  }),
  hal: owner("hal", { forgejo: { login: LOGINS.A } }),
  ida: owner("ida", { forgejo: { login: LOGINS.C } }),
  kim: person("kim", "power-user", {}),
  lee: person("lee", "power-user", {
    ...{ host: "devvm2", code_layout: "workspace", forgejo: { login: loginOf("lee"), push: true } },
  }),
  max: owner("max", {}),
  // Owns nothing on the forge: what they may there, they have from the program.
  moe: person("moe", "admin", { forgejo: { login: loginOf("moe") } }),
  noa: owner("noa", {}),
  pia: owner("pia", {}),
};
const { max: MAX, ...OTHERS } = BASE;
const CHANGED: Rows = {
  ...OTHERS,
  fay: {
    ...{ ...BASE.fay, authentik_user: "fay.b", limits: { memory: "4G", pane_memory: "2G" } },
    ...{ code_layout: "workspace", forgejo: { login: loginOf("fay"), push: true } },
  },
  gil: { ...BASE.gil, tier: "admin" },
  hal: { ...BASE.hal, email: mail("hal2"), forgejo: { login: LOGINS.B } },
  ida: { ...BASE.ida, namespaces: ["ida-b"] },
  kim: { ...BASE.kim, host: "devvm2" },
  lee: { ...BASE.lee, repos: ["tripit"] },
  mia: { ...MAX, k8s_user: "mia", previously: { os_user: "max", k8s_user: "max" } },
  moe: { ...BASE.moe, until: "2026-01-01" },
  noa: person("noa", "power-user", {}),
  pia: { ...BASE.pia, until: "2026-01-01" },
};
const BACK: Rows = { ...OTHERS, max: { ...MAX, previously: { os_user: "mia", k8s_user: "mia" } } };

const pick = <Item>(value: Value, before: Item, after: Item): Item => (value === "before" ? before : after);
/** Whether what a value of the field gives is there. */
const PROBES: Readonly<Record<CellName, (value: Value) => Promise<boolean>>> = {
  "authentik_user × code-server proxy": async (value) =>
    (await access.reached(pick(value, "fay.a", "fay.b"))) === "fay",
  "authentik_user × terminal map": async (value) => (await access.terminalOf(pick(value, "fay.a", "fay.b"))) === "fay",
  "email × API server": (value) => access.rolesIn(pick(value, mail("hal"), mail("hal2")), "hal-a"),
  "email × Vault": (value) => access.reads(pick(value, mail("hal"), mail("hal2")), "hal"),
  "email × portal map": async (value) => pick(value, mail("hal"), mail("hal2")) in (await access.portal()),
  "k8s_user × Vault": (value) => access.reads(mail("max"), pick(value, "max", "mia")),
  "k8s_user × API server": (value) => access.dashboardIn(pick(value, "max", "mia"), "max-a"),
  "namespaces × API server": (value) => access.rolesIn(mail("ida"), pick(value, "ida-a", "ida-b")),
  "namespaces × Vault": async (value) => (await access.pipeline(pick(value, "ida-a", "ida-b"))) !== undefined,
  "tier × API server": (value) =>
    value === "after" ? access.can(mail("gil"), "*", "*") : access.can(mail("gil"), "list", "pods", "--all-namespaces"),
  "tier × host": async (value) => (await access.groups("gil")).includes(pick(value, "gil", "sudo")),
  "tier × Vault": async (value) => (await access.reads(mail("noa"), "noa")) === (value === "before"),
  "tier × forge": (value) =>
    value === "after" ? access.pushesToMaster(loginOf("gil")) : access.withPassword(loginOf("gil")),
  "forgejo.push × forge": (value) =>
    value === "after" ? access.pushesToMaster(loginOf("fay")) : access.withPassword(loginOf("fay")),
  "forgejo.login × forge": (value) => access.withPassword(pick(value, LOGINS.A, LOGINS.B)),
  "forgejo.login × clone token": async (value) => {
    const own = await access.credentials("hal");
    return own.login === pick(value, LOGINS.A, LOGINS.B) && (await access.pushes(own));
  },
  "host × SSH": (value) => access.logsIn(pick(value, stack.vm, second), "kim"),
  "code_layout × host": (value) => access.isThere(`/home/fay/code/${pick(value, ".git", "infra/.git")}`),
  "repos × host": (value) =>
    value === "after"
      ? access.isThere("/home/lee/code/tripit/.git", second)
      : access.isThere("/home/lee/code/infra/.git", second),
  "limits × host": async (value) => (await access.memoryOf("fay")) === pick(value, 3, 4),
  "until × API server": async (value) =>
    (await access.can(mail("moe"), "list", "pods", "--all-namespaces")) === (value === "before"),
  "until × Vault": async (value) => (await access.reads(mail("pia"), "pia")) === (value === "before"),
  "until × forge": async (value) => (await access.pushesToMaster(loginOf("moe"))) === (value === "before"),
  "until × host": async (value) => (await access.logsIn(stack.vm, "moe")) === (value === "before"),
  "previously.os_user × host": (value) => access.nameOfUid(pick(value, "max", "mia")),
};

/** By cell: whether the former and the new value's access is there. */
async function tried(cells: readonly Cell[] = CELLS): Promise<Readonly<Record<string, readonly boolean[]>>> {
  const found: Record<string, readonly boolean[]> = {};
  // One after the other: some of the ways in answer slowly when they are asked all at once.
  for (const cell of cells) {
    const probe = PROBES[nameOf(cell)];
    found[nameOf(cell)] = [await probe("before"), await probe("after")];
  }
  return found;
}
const expected = (state: Value, { wasChanged }: { readonly wasChanged: boolean }, cells: readonly Cell[] = CELLS) =>
  Object.fromEntries(
    cells.map((cell) => {
      const stays = cell.stays !== undefined && wasChanged;
      const isFormer = (state === "before" && !stays) || cell.includes === true;
      return [nameOf(cell), [isFormer, state === "after" || stays]];
    }),
  );

/** What was handed out before a change and has to be dead after it. */
const handedOut = async (namespace: string) => ({
  pipeline: (await access.pipeline(namespace)) ?? "",
  clone: await access.credentials("hal"),
});
const isAlive = async ({ pipeline: token, clone }: Awaited<ReturnType<typeof handedOut>>) => [
  (await vault.status(token, "GET", "auth/token/lookup-self")) === 200,
  await access.pushes(clone),
];

async function deploy(rows: Rows): Promise<string> {
  const ran = await stack.up(rows, settings);
  if (ran.code !== 0) throw new Error(`${ran.stdout}\n${ran.stderr}`);
  return ran.stdout;
}
/** Deploys, and once more. */
async function delivered(rows: Rows): Promise<void> {
  await deploy(rows);
  await unchanged(rows);
}
/** A run with the same rows changes nothing. */
async function unchanged(rows: Rows): Promise<void> {
  const again = await deploy(rows);
  expect(again).not.toContain("What will happen to whom");
  expect(again).not.toMatch(/[+~-] ?\d+ (created|updated|deleted|replaced)/);
}

beforeAll(async () => {
  stack = await freshStack();
  vault = await openVaultWorld();
  const forge = await findForge(vault.lab);
  second = await startDevVm(vault.lab, "devvm2", 20);
  await second.reset();
  await second.ssh("mkdir --parents --mode=0700 /var/lib/workstation; echo test > /var/lib/workstation/hold");
  await forgetPortal();
  access = openAccess({ stack, vault, forge });
  for (const login of [...Object.values(LOGINS), ...PUSHERS.map(loginOf)]) await access.createLogin(login);
  const hosts = [stack.vm, second].map(({ name, address, hostKey }) => ({ name, address, hostKey }));
  settings = [
    [["hosts"], hosts],
    [["removalLimit"], 99],
    [["devvm", "gate"], { listen: { address: "127.0.0.1", port: 8900 } }],
    [["cluster", "portalMap"], { namespace: "default" }],
  ];
  await deploy(BASE);
}, STEP_MS);
afterAll(async () => {
  await forgetPortal();
  await access.removeLogins();
  await second.remove();
});

/** The one thing that these runs make in a namespace that is not theirs. */
const forgetPortal = () =>
  stack.kubectl(["delete", "configmap", "portal-users", "--namespace=default", "--ignore-not-found"]);

test(
  "before any change each field gives what its value says, and nothing of the other value",
  async () => {
    expect(await tried()).toEqual(expected("before", { wasChanged: false }));
  },
  STEP_MS,
);

test(
  "every field changed: the former value opens nothing any more, and the second run changes nothing",
  async () => {
    const former = await handedOut("ida-a");
    const tokens = { noa: await vault.signIn(mail("noa")), pia: await vault.signIn(mail("pia")) };
    const opened = async () => [await access.opens(tokens.noa, "noa"), await access.opens(tokens.pia, "pia")];
    expect([await isAlive(former), await opened()]).toEqual([
      [true, true],
      [true, true],
    ]);
    await delivered(CHANGED);
    expect(await tried()).toEqual(expected("after", { wasChanged: true }));
    expect([await isAlive(former), await opened()]).toEqual([
      [false, false],
      [false, false],
    ]);
  },
  STEP_MS,
);

test(
  "every field changed back: the value in between opens nothing any more, and the second run changes nothing",
  async () => {
    const former = await handedOut("ida-b");
    expect(await isAlive(former)).toEqual([true, true]);
    await delivered(BACK);
    expect(await tried()).toEqual(expected("before", { wasChanged: true }));
    expect(await isAlive(former)).toEqual([false, false]);
  },
  STEP_MS,
);

test(
  "two people who swap a field have each other's access and not their own former one",
  async () => {
    const former = await handedOut("ida-a");
    const { fay, gil, hal, ida, kim, lee, moe, noa } = BASE;
    const { namespaces: _, ...formerOwner } = noa;
    await delivered({
      ...BACK,
      fay: {
        ...{ ...fay, authentik_user: gil.authentik_user, limits: gil.limits },
        forgejo: { ...fay.forgejo, push: lee.forgejo.push },
      },
      gil: { ...gil, authentik_user: fay.authentik_user, limits: fay.limits, tier: moe.tier },
      moe: { ...moe, tier: gil.tier },
      hal: { ...hal, email: ida.email, forgejo: ida.forgejo },
      ida: { ...ida, email: hal.email, forgejo: hal.forgejo },
      kim: { ...kim, host: lee.host, tier: noa.tier, namespaces: ["kim-a"] },
      lee: { ...lee, host: "devvm", forgejo: { ...lee.forgejo, push: fay.forgejo.push } },
      noa: { ...formerOwner, tier: kim.tier },
    });
    const found: Record<string, unknown> = {};
    const see = (name: CellName, value: unknown) => {
      found[name] = value;
    };
    see("authentik_user × code-server proxy", [await access.reached("fay.a"), await access.reached("gil.a")]);
    see("authentik_user × terminal map", [await access.terminalOf("fay.a"), await access.terminalOf("gil.a")]);
    const [halMail, idaMail] = [mail("hal"), mail("ida")];
    const inRooms = (who: string) => Promise.all([access.rolesIn(who, "hal-a"), access.rolesIn(who, "ida-a")]);
    see("email × API server", [await inRooms(halMail), await inRooms(idaMail)]);
    const inVault = (who: string) => Promise.all([access.reads(who, "hal"), access.reads(who, "ida")]);
    see("email × Vault", [await inVault(halMail), await inVault(idaMail)]);
    const { [halMail]: ofHal, [idaMail]: ofIda } = await access.portal();
    see("email × portal map", [ofHal?.namespaces, ofIda?.namespaces]);
    see("tier × API server", [await access.can(mail("gil"), "*", "*"), await access.can(mail("moe"), "*", "*")]);
    see("tier × host", [(await access.groups("gil")).includes("sudo"), (await access.groups("moe")).includes("sudo")]);
    see("tier × Vault", [await access.reads(mail("noa"), "noa"), await access.reads(mail("kim"), "kim")]);
    const onMaster = async (...names: readonly [string, string]) => [
      await access.pushesToMaster(loginOf(names[0])),
      await access.pushesToMaster(loginOf(names[1])),
    ];
    see("tier × forge", await onMaster("gil", "moe"));
    see("forgejo.push × forge", await onMaster("fay", "lee"));
    see("forgejo.login × forge", [(await access.credentials("hal")).login, (await access.credentials("ida")).login]);
    // One after the other: all of them push from one clone to one branch.
    const own = [
      await access.pushes(await access.credentials("hal")),
      await access.pushes(await access.credentials("ida")),
    ];
    see("forgejo.login × clone token", [...own, await access.pushes(former.clone)]);
    const onHosts = (who: string) => Promise.all([access.logsIn(stack.vm, who), access.logsIn(second, who)]);
    see("host × SSH", [await onHosts("kim"), await onHosts("lee")]);
    see("limits × host", [await access.memoryOf("fay"), await access.memoryOf("gil")]);
    const crossed = [
      [false, true],
      [true, false],
    ];
    expect(found).toEqual({
      "authentik_user × code-server proxy": ["gil", "fay"],
      "authentik_user × terminal map": ["gil", "fay"],
      "email × API server": crossed,
      "email × Vault": crossed,
      "email × portal map": [["ida-a"], ["hal-a"]],
      "tier × API server": [true, false],
      "tier × host": [true, false],
      "tier × Vault": [false, true],
      "tier × forge": [true, false],
      "forgejo.push × forge": [true, false],
      "forgejo.login × forge": [LOGINS.C, LOGINS.A],
      "forgejo.login × clone token": [true, true, false],
      "host × SSH": crossed,
      "limits × host": [5, 3],
    });
    const swaps = CELLS.filter(({ swap }) => swap.startsWith("each has")).map(nameOf);
    expect(Object.keys(found).sort()).toEqual([...swaps].sort());
  },
  STEP_MS,
);

test.each([
  ["namespaces", { hal: { namespaces: ["ida-a"] }, ida: { namespaces: ["hal-a"] } }, REFUSALS.namespaces],
  ["k8s_user", { hal: { k8s_user: "ida" }, ida: { k8s_user: "hal" } }, REFUSALS.k8sUser],
  ["previously.os_user", { fay: { previously: { os_user: "gil" } } }, REFUSALS.osUser],
])(
  "%s that two people would swap is refused before the first write",
  async (_field, fields, sentence) => {
    const swapped = Object.entries(fields).map(([who, more]) => [who, { ...BACK[who], ...more }]);
    const ran = await stack.up({ ...BACK, ...Object.fromEntries(swapped) }, settings);
    expect([ran.code === 0, `${ran.stdout}${ran.stderr}`]).toEqual([false, expect.stringContaining(sentence)]);
    expect(ran.stdout).not.toMatch(/[+~-] ?\d+ (created|updated|deleted|replaced)/);
  },
  STEP_MS,
);

test(
  "a change while a host is down reaches every other surface at once, and that host with the next deployment",
  async () => {
    await deploy(BACK);
    const former = await handedOut("ida-a");
    expect((await stack.up(CHANGED, [...settings, DOWN])).code).not.toBe(0);
    const elsewhere = CELLS.filter((cell: Cell) => cell.waits === undefined);
    expect(await tried(elsewhere)).toEqual(expected("after", { wasChanged: true }, elsewhere));
    expect(await isAlive(former)).toEqual([false, false]);
    expect(await access.logsIn(second, "kim")).toBe(true);
    expect(await deploy(CHANGED)).toMatch(
      /gil gets the rights of tier admin.*An earlier deployment announced this and did not complete on .*host devvm\b/,
    );
    await unchanged(CHANGED);
    expect(await tried()).toEqual(expected("after", { wasChanged: true }));
  },
  STEP_MS,
);
