/** What each host and each person on it is handed, to the byte, and that the agent takes it. */

import { describe, expect, test } from "vitest";
import { part } from "../../../agent/contract.ts";
import {
  accountPart,
  basePart,
  clonesPart,
  credentialsPart,
  mapsPart,
  type Resident,
  type SiteOfHosts,
  unitsPart,
} from "../../../components/devvm/build-parts.ts";
import type { Derivation } from "../../../roster/derive/derive.ts";
import type { HostName } from "../../../roster/model.ts";
import { residentsOf } from "../../../stacks/devvm.ts";
import { derived, rosterOf, row } from "../../roster/support.ts";
import { ATTIC, DEVVM, firstDay, SITE, secondDay } from "./sample.ts";

const on = (host: HostName, { desired }: Derivation) => residentsOf(host, desired);
const maps = (host: HostName, derivation: Derivation, site = SITE) =>
  mapsPart(host, derivation.desired.hosts.get(host) ?? { files: new Map() }, on(host, derivation), site);

function resident(name: string, host: HostName, derivation: Derivation): Resident {
  const found = on(host, derivation).find(({ person }) => person.osUser === name);
  if (found === undefined) throw new Error(`${name} is not on ${host}`);
  return found;
}

const states = (residents: readonly Resident[]) => residents.map(({ state, person }) => `${person.osUser} ${state}`);

const kubeconfig: NonNullable<SiteOfHosts["kubeconfig"]> = {
  cluster: "c",
  server: "https://api.test:6443",
  caData: "eA==",
  issuer: "https://i.test",
  clientId: "kubernetes",
};

describe("who is on a host", () => {
  test("is everybody there by name, on the first day", () => {
    expect([states(on(DEVVM, firstDay)), on(ATTIC, firstDay)]).toEqual([
      ["ancamilea present", "emo present", "wizard present"],
      [],
    ]);
  });
  test("counts those who left, and on the former host those who moved", () => {
    expect([states(on(DEVVM, secondDay)), states(on(ATTIC, secondDay))]).toEqual([
      ["ancamilea left", "emo left", "wizard present"],
      ["emo present"],
    ]);
  });
  test("is nobody on a host that no one was ever given", () => {
    expect(on("cellar" as HostName, secondDay)).toEqual([]);
  });
});

test("a host's base is the site's, its packages in one order", () => {
  expect(basePart("devvm", SITE)).toEqual({
    contract: 1,
    kind: "base",
    host: "devvm",
    packages: ["git", "tmux"],
    guidance: "Be kind.\n",
    managedSettings: '{"cleanupPeriodDays":365}',
    commands: SITE.commands,
    reconcile: { maxStateAgeHours: 336, removalLimit: 1 },
  });
  expect(basePart("devvm", { ...SITE, sharedConfig: "/opt/shared" })).toMatchObject({ sharedConfig: "/opt/shared" });
});

describe("a host's maps", () => {
  test("speak of everybody on the first day", () => {
    const { files, ...rest } = maps(DEVVM, firstDay);
    expect(rest).toEqual({
      contract: 1,
      kind: "maps",
      host: "devvm",
      ports: [
        { osUser: "ancamilea", uid: 20_000, t3: 3773, browser: 8931 },
        { osUser: "emo", uid: 20_001, t3: 3774, browser: 8932 },
        { osUser: "wizard", uid: 20_002, t3: 3775, browser: 8933 },
      ],
      proxyUsers: ["caddy", "www-data"],
      present: ["ancamilea", "emo", "wizard"],
      left: [],
      admins: ["wizard"],
      removalLimit: 1,
      confirmLeave: [],
      addsOnly: false,
    });
    expect(files.map(({ path }) => path).sort()).toEqual([
      "/etc/t3-serve/dispatch.json",
      "/etc/ttyd-admins",
      "/etc/ttyd-user-map",
    ]);
    expect(
      files
        .find(({ path }) => path === "/etc/ttyd-user-map")
        ?.text.split("\n")
        .slice(-4),
    ).toEqual(["ancaelena98=ancamilea", "emil.barzin=emo", "vbarzin=wizard", ""]);
  });
  test("keep the ports of those who left guarded, and admit none of them", () => {
    const second = maps(DEVVM, secondDay);
    expect([second.ports, second.present, second.left, second.admins]).toEqual([
      maps(DEVVM, firstDay).ports,
      ["wizard"],
      ["ancamilea", "emo"],
      ["wizard"],
    ]);
    const admitted = second.files.map(({ text }) => text).join("\n");
    expect([admitted.includes("vbarzin"), /ancaelena98|emil\.barzin/.test(admitted)]).toEqual([true, false]);
  });
  test("carry the stack's brakes to the host", () => {
    const brakes = { removalLimit: 3, confirmLeave: ["emo"], addsOnly: true };
    expect(maps(DEVVM, secondDay, { ...SITE, brakes })).toMatchObject(brakes);
  });
});

describe("a person's parts", () => {
  test("name the last day where it ends something, and not while removals are suspended", () => {
    const text = rosterOf(row("ada", "until: 2027-01-31", "admin"));
    const ada = resident("ada", DEVVM, derived(text));
    const held = { ...SITE, brakes: { ...SITE.brakes, addsOnly: true } };
    expect([accountPart(ada, SITE).until, accountPart(ada, held).until]).toEqual(["2027-01-31", undefined]);
  });
  test("of an admin: the tier's groups, a tree that is never touched, an account that the stack adopts", () => {
    const wizard = resident("wizard", DEVVM, firstDay);
    expect(accountPart(wizard, SITE)).toEqual({
      contract: 1,
      kind: "account",
      osUser: "wizard",
      uid: 20_002,
      state: "present",
      shell: "/bin/zsh",
      groups: ["code-shared", "docker", "sudo"],
      tierGroups: ["code-shared", "docker", "sudo"],
      adopt: true,
    });
    expect(clonesPart(wizard, SITE)).toMatchObject({ layout: "untouched", repos: [] });
  });
  test("of a namespace-owner in a workspace: their clones, as themselves", () => {
    const anca = resident("ancamilea", DEVVM, firstDay);
    expect(accountPart(anca, SITE)).toMatchObject({ groups: [], adopt: false });
    expect(clonesPart(anca, SITE)).toEqual({
      contract: 1,
      kind: "clones",
      osUser: "ancamilea",
      uid: 20_000,
      state: "present",
      layout: "workspace",
      infra: { origin: "https://mirror.test/infra.git", forgejo: "https://forge.test/ops/infra.git", branch: "master" },
      repos: [{ name: "tripit", url: "https://forge.test/ops/tripit.git" }],
      git: { name: "ancamilea", email: "ancaelena98@lab.example" },
      guidance: "Be kind.\n",
    });
    expect(unitsPart(anca, SITE)).toEqual({
      contract: 1,
      kind: "units",
      osUser: "ancamilea",
      uid: 20_000,
      state: "present",
      ports: { t3: 3773, browser: 8931 },
      claudeAuth: true,
      limits: { memory: "8G", cpu: "400%", tasks: "4096", paneMemory: "4G" },
    });
  });
  test("close adopted homes where the stack says so, and touch the mode of nobody who left", () => {
    const site = { ...SITE, closeAdoptedHomes: true };
    expect(accountPart(resident("wizard", DEVVM, firstDay), site).closeHome).toBe(true);
    expect(accountPart(resident("ancamilea", DEVVM, secondDay), site).closeHome).toBeUndefined();
    expect(accountPart(resident("wizard", DEVVM, firstDay), SITE).closeHome).toBeUndefined();
  });
  test("of an admin let the code server gain privileges, and no longer once they left", () => {
    const gains = (name: string, site = firstDay) => unitsPart(resident(name, DEVVM, site), SITE).gainsPrivileges;
    expect([gains("wizard"), gains("emo"), gains("ancamilea")]).toEqual([true, undefined, undefined]);
    const { person } = resident("wizard", DEVVM, firstDay);
    expect(unitsPart({ state: "left", person }, SITE).gainsPrivileges).toBeUndefined();
  });
  test("of somebody parked: the account as before, the units parked", () => {
    const { person } = resident("emo", DEVVM, firstDay);
    if (!("parked" in person)) throw new Error("emo is present");
    const parked: Resident = { state: "present", person: { ...person, parked: true } };
    expect([accountPart(parked, SITE).state, unitsPart(parked, SITE).state]).toEqual(["present", "parked"]);
  });
  test.each([
    ["ancamilea", "left the roster"],
    ["emo", "moved to another host"],
  ])("of %s, who %s: every part says left, the same uid and ports, nothing below the home", (name) => {
    const before = resident(name, DEVVM, firstDay);
    const left = resident(name, DEVVM, secondDay);
    const parts = [accountPart(left, SITE), clonesPart(left, SITE), unitsPart(left, SITE)];
    expect(parts.map(({ state, uid }) => [state, uid])).toEqual(parts.map(() => ["left", before.person.uid]));
    expect(accountPart(left, SITE)).toMatchObject({ groups: [], tierGroups: ["code-shared", "docker", "sudo"] });
    expect(clonesPart(left, SITE)).toMatchObject({ layout: "untouched", repos: [] });
    expect(unitsPart(left, SITE)).toMatchObject({ claudeAuth: false, ports: unitsPart(before, SITE).ports });
  });
  test("of somebody who moved are whole on the new host, with the numbers that they had", () => {
    expect([
      accountPart(resident("emo", ATTIC, secondDay), SITE),
      unitsPart(resident("emo", ATTIC, secondDay), SITE),
    ]).toEqual([
      accountPart(resident("emo", DEVVM, firstDay), SITE),
      unitsPart(resident("emo", DEVVM, firstDay), SITE),
    ]);
  });
  test("hold a kubeconfig only where the stack has a cluster, and no e-mail where none is known", () => {
    const { email: _unknown, ...person } = resident("emo", DEVVM, firstDay).person;
    const pending = { state: "present", person } as Resident;
    expect(clonesPart(pending, { ...SITE, kubeconfig })).toMatchObject({ kubeconfig, git: { name: "emo" } });
    expect(clonesPart(pending, SITE)).not.toHaveProperty("kubeconfig");
    expect(clonesPart(pending, SITE).git).not.toHaveProperty("email");
  });
});

test("a person's credentials hold what they have of forge and Vault, and the agent takes each of them", () => {
  const emo = resident("emo", DEVVM, firstDay);
  const forge = { login: "emo", token: "forge-token" };
  const vault = { address: "https://vault.test:8200", token: "hvs.CAESIA-_x" };
  const parts = [{ forge }, { vault }, { forge, vault }].map((access) => credentialsPart(emo, SITE, access));
  expect(parts.map(({ login, vault: own }) => [login, own?.token])).toEqual([
    ["emo", undefined],
    [undefined, vault.token],
    ["emo", vault.token],
  ]);
  for (const one of parts) expect(part.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
  // The file is read by a shell.
  for (const evil of ["$(id)", "a b", "a\nb", "'", ""])
    expect(part.safeParse(credentialsPart(emo, SITE, { vault: { ...vault, token: evil } })).success).toBe(false);
  for (const evil of ["https://vault.test/$(id)", "https://vault.test/`id`", "https://a;b"])
    expect(part.safeParse(credentialsPart(emo, SITE, { vault: { ...vault, address: evil } })).success).toBe(false);
});

test("the agent takes every part of both days, on both hosts, with and without a cluster", () => {
  const sites = [SITE, { ...SITE, sharedConfig: "/opt/shared", kubeconfig }];
  const all = [firstDay, secondDay].flatMap((derivation) =>
    [DEVVM, ATTIC].flatMap((host) =>
      sites.flatMap((site) => [
        basePart(host, site),
        maps(host, derivation, site),
        ...on(host, derivation).flatMap((who) => [accountPart(who, site), clonesPart(who, site), unitsPart(who, site)]),
      ]),
    ),
  );
  expect(all).toHaveLength(2 * 2 * 4 + 2 * 3 * (3 + 3 + 1));
  for (const one of all) expect(part.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
});
