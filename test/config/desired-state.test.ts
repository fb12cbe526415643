/** The decision about everybody: what it starts from, and everything that stops it before anything is written. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, describe, expect, test, vi } from "vitest";
import { writeLedger } from "../../roster/ledger.ts";
import { computeDesiredState, surfacesOf } from "../../config/desired-state.ts";
import { announce, decide } from "../../stacks/log-plan.ts";
import { TODAY, rosterOf, row } from "../roster/support.ts";
import { settings } from "./raw-config.ts";

const folder = mkdtempSync(join(tmpdir(), "ws-decision-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Settings of a stack with this roster, and with this user map where one is given. */
function stack(roster: string, more: Readonly<Record<string, unknown>> = {}, userMap?: string) {
  writeFileSync(join(folder, "roster.yaml"), roster);
  if (userMap !== undefined) writeFileSync(join(folder, "map.json"), userMap);
  return settings({ ...(userMap === undefined ? {} : { userMapFile: "map.json" }), ...more });
}

const known = (ledger?: unknown) => ({ ledger, today: TODAY, folder });
const ada = row("ada", "", "admin");
const bob = row("bob");
const cleo = row("cleo", "namespaces: [rooms]", "namespace-owner");
const everybody = async () =>
  writeLedger((await computeDesiredState(stack(rosterOf(ada, bob, cleo)), known())).desired.ledger);

test("a stack that never ran has no history, and everybody joins", async () => {
  const { plan, brakes } = await decide(stack(rosterOf(ada, bob)), known());
  expect([plan.map((line) => line.split(" as ")[0]), brakes]).toEqual([["ada joins", "bob joins"], []]);
});

test("a part of a row for a surface that the stack does not have is a warning", async () => {
  const { warnings } = await computeDesiredState(stack(rosterOf(ada, row("bob", "forgejo: {login: bob}"))), known());
  expect(warnings.map(({ path, message }) => [path, message])).toEqual([
    ["users.bob.forgejo", expect.stringMatching(/^forgejo has no effect, because this stack manages no forge/)],
  ]);
});

test("what the last run wrote is taken up again: nothing happens to anybody", async () => {
  const ledger = await everybody();
  expect((await decide(stack(rosterOf(cleo, bob, ada)), known(ledger))).plan).toEqual([]);
});

test.each([
  [
    "that is taken out ends for everybody",
    { t3: undefined },
    ["everybody: devvm.commands.t3 is taken out. Ends: the code servers of 3 people, with what runs in them"],
  ],
  ["that stays, and one that comes, are not in the plan", {}, []],
])("a service %s", async (_what, less, expected) => {
  const ledger = await everybody();
  const whole = stack(rosterOf(ada, bob, cleo));
  const commands = { t3: ["/bin/t3"], browser: ["/bin/browser"], ...less };
  const planned = async (services?: readonly string[]) =>
    (
      await computeDesiredState(
        { ...whole, devvm: { ...whole.devvm, commands } },
        { ...known(ledger), ...(services === undefined ? {} : { services }) },
      )
    ).plan;
  expect(await planned(["t3"])).toEqual(expected);
  // A state of a version that did not list them says nothing of what was offered.
  expect(await planned()).toEqual([]);
});

describe("a ledger from a file", () => {
  const seed = (ledger: string, text = rosterOf(ada, bob)) => {
    writeFileSync(join(folder, "ledger.json"), ledger);
    return stack(text, { ledgerSeed: "ledger.json" });
  };
  test("is where a stack without one starts: nobody joins, and everybody keeps their numbers", async () => {
    const ledger = (await everybody()).replaceAll("20000", "1007").replaceAll("3773", "3999");
    const { plan, desired } = await decide(seed(ledger, rosterOf(ada, bob, cleo)), known());
    expect(plan).toEqual([]);
    expect([...desired.people.values()].map(({ uid, ports }) => [uid, ports.t3])).toContainEqual([1007, 3999]);
  });
  test("is refused beside the stack's own, with the way out", async () => {
    const ledger = await everybody();
    await expect(computeDesiredState(seed(ledger), known(ledger))).rejects.toThrow(
      /ledgerSeed names ledger\.json, and this stack has a ledger of its own.*pulumi config rm ledgerSeed.*Nothing was changed/,
    );
  });
  test("that is missing or damaged stops the run with its name, and is never an empty one", async () => {
    await expect(computeDesiredState(stack(rosterOf(ada), { ledgerSeed: "gone.json" }), known())).rejects.toThrow(
      "gone.json: the ledger, which workstation:ledgerSeed names, cannot be read",
    );
    await expect(computeDesiredState(seed("{}"), known())).rejects.toThrow(
      /^Nothing was changed:\n {2}ledger\.json:1:1: /,
    );
  });
});

test("the settings decide: hosts, limits, quota, reserved names", async () => {
  const bad = stack(rosterOf(ada, row("bob", "host: attic"), cleo.replace("k8s_user: cleo", "k8s_user: ci")), {
    reservedK8sUsers: ["ci"],
    systemNamespaces: ["rooms"],
  });
  await expect(computeDesiredState(bad, known())).rejects.toThrow(
    /^Nothing was changed:\n {2}roster\.yaml:10:11: bob: host: this stack has no host "attic"; its host is devvm\n.*"ci" is reserved.*\n.*"rooms" is a system namespace/,
  );
  const { desired } = await computeDesiredState(stack(rosterOf(ada), { quota: QUOTA, limits: LIMITS }), known());
  expect([...desired.people.values()].map(({ limits, quota }) => [limits.memory, quota.pods])).toEqual([["7G", "3"]]);
});
test("a person's k8s_user is never where the stack keeps its user map in Vault", async () => {
  const eve = cleo.replaceAll("cleo", "eve").replace("k8s_user: eve", "k8s_user: infra");
  const inVault = (path: string, userMap?: string) =>
    stack(rosterOf(ada, eve), { vault: { address: "https://vault.test", userMap: { path } } }, userMap);
  await expect(computeDesiredState(inVault("infra/people"), known())).rejects.toThrow(
    /^Nothing was changed:\n {2}roster\.yaml:\S+ eve: k8s_user: "infra" is reserved, because the setting vault\.userMap\.path \(infra\/people\)/,
  );
  await expect(computeDesiredState(inVault("people/infra"), known())).resolves.toMatchObject({ brakes: [] });
  // Nobody reads it there.
  await expect(computeDesiredState(inVault("infra/people", "{}"), known())).resolves.toMatchObject({ brakes: [] });
});
const QUOTA = { cpu_requests: "1", memory_requests: "1Gi", memory_limits: "1Gi", pods: "3" };
const OF_TIER = { memory: "7G", cpu: "100%", tasks: "900", pane_memory: "1G" };
const LIMITS = { admin: OF_TIER, "power-user": OF_TIER, "namespace-owner": OF_TIER };

describe("a brake", () => {
  test("stops the program with the people and the release; whoever only looks gets the plan too", async () => {
    const ledger = await everybody();
    const less = stack(rosterOf(ada));
    await expect(decide(less, known(ledger))).rejects.toThrow(
      /^Stopped before any change:\n {2}2 people of 3 would lose rights.*set confirmLeave to \[bob, cleo\]/,
    );
    const looked = await computeDesiredState(less, known(ledger));
    expect([looked.brakes.length, looked.plan.length]).toEqual([1, 2]);
  });
  test("is released by naming exactly those people, and by no others", async () => {
    const ledger = await everybody();
    const release = (confirmLeave: readonly string[]) =>
      decide(stack(rosterOf(ada), { confirmLeave }), known(ledger)).then(({ plan }) => plan.length);
    expect(await release(["cleo", "bob"])).toBe(2);
    await expect(release(["bob"])).rejects.toThrow("Stopped before any change");
    await expect(release(["bob", "cleo", "ada"])).rejects.toThrow("Stopped before any change");
  });
  test("has nothing to stop while removals are suspended; what is held back is said", async () => {
    const ledger = await everybody();
    const { plan, heldBack } = await decide(stack("", { addsOnly: true }), known(ledger));
    expect([plan, heldBack.length]).toEqual([
      ["ada", "bob", "cleo"].map((who) => `${who} would lose every access; addsOnly holds that back.`),
      3,
    ]);
  });
});

describe("nothing is decided on", () => {
  test("a roster that cannot be read: no empty roster, nobody leaves", async () => {
    await expect(computeDesiredState(settings({ roster: "nowhere.yaml" }), known(await everybody()))).rejects.toThrow(
      "nowhere.yaml: the roster, which workstation:roster names, cannot be read: there is no such file. Nothing was changed.",
    );
  });
  test("a user map that cannot be read: no empty map", async () => {
    await expect(computeDesiredState(stack(rosterOf(ada), { userMapFile: "no.json" }), known())).rejects.toThrow(
      "no.json: the user map, which workstation:userMapFile names, cannot be read: there is no such file. Nothing was changed.",
    );
  });
  test("a user map that is cut short, or that says another tier", async () => {
    await expect(computeDesiredState(stack(rosterOf(ada), {}, '{"bob": {"role"'), known())).rejects.toThrow(
      /^Nothing was changed:\n {2}map\.json:1:/,
    );
    await expect(
      computeDesiredState(stack(rosterOf(ada, bob), {}, '{"bob": {"role": "admin"}}'), known()),
    ).rejects.toThrow('the roster says "power-user" and the user map (map.json) says "admin"');
  });
  test.each([
    [
      "no text",
      { people: {} },
      "The stack's output `ledger` is not the text that this program writes; nothing was changed.",
    ],
    ["no JSON", "{", /^Nothing was changed:\n {2}the stack's ledger:1:/],
    ["nothing at all", "", /^Nothing was changed:\n {2}the stack's ledger:1:/],
    ["another version", '{"version": 2, "people": {}}', "the number 2 is its version and this program writes 1"],
    ["somebody without a uid", '{"version": 1, "people": {"bob": {}}}', "the stack's ledger:1:"],
  ])("a ledger that is %s", async (_, ledger, message) => {
    await expect(computeDesiredState(stack(rosterOf(ada)), known(ledger))).rejects.toThrow(message);
  });
  test("settings that contradict themselves", async () => {
    await expect(computeDesiredState({ ...stack(rosterOf(ada)), hosts: [] }, known())).rejects.toThrow(
      "The configuration of this stack contradicts itself: hosts is empty",
    );
  });
});

describe("the user map from Vault", () => {
  const inVault = (text: string) => ({ isRead: true, text, file: "secret/platform", version: 3 }) as const;
  test("comes before a file, and its problems name its place", async () => {
    const both = stack(rosterOf(ada, bob), {}, '{"bob": {"role": "admin"}}');
    const userMap = inVault('{"bob": {"role": "power-user", "email": "bob@people.test"}}');
    const { desired } = await computeDesiredState(both, { ...known(), userMap });
    expect([...desired.people.values()].map(({ email }) => email)).toEqual([undefined, "bob@people.test"]);
    await expect(computeDesiredState(both, { ...known(), userMap: inVault("[]") })).rejects.toThrow(
      "secret/platform:1:1",
    );
  });
  test("that is unknown is said, and takes nobody's e-mail away", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const userMap = inVault('{"bob": {"role": "power-user", "email": "bob@people.test"}}');
    const people = stack(rosterOf(ada, bob));
    const ledger = writeLedger((await computeDesiredState(people, { ...known(), userMap })).desired.ledger);
    const away = { isRead: false, warning: "Vault is away." } as const;
    expect((await decide(people, { ...known(ledger), userMap: away })).plan).toEqual([]);
    expect(warn.mock.calls).toEqual([["Vault is away."]]);
    warn.mockRestore();
  });
});

test("the plan and the warnings reach the engine's log, nothing where nothing happens", async () => {
  const info = vi.spyOn(pulumi.log, "info").mockResolvedValue();
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  await announce(await computeDesiredState(stack(rosterOf(ada, bob), {}, "{}"), known()));
  const ledger = await everybody();
  await announce(await computeDesiredState(stack(rosterOf(ada, bob, cleo)), known(ledger)));
  expect([info.mock.calls.length, warn.mock.calls.length]).toEqual([1, 1]);
  expect(info.mock.calls[0]?.[0]).toMatch(/^What will happen to whom:\n {2}ada joins as admin.*\n {2}bob joins as/);
  expect(warn.mock.calls[0]?.[0]).toMatch(/^roster\.yaml:8:15: warning: bob: k8s_user: .*the grant is pending/);
  info.mockRestore();
  warn.mockRestore();
});

test.each([
  ["another text", "{", "the record of what is undelivered"],
  ["no text", 7, "Restore the state from its backup"],
])(
  "an output of undelivered surfaces that is %s stops the run and is not taken for an empty one",
  async (_, undelivered, message) => {
    await expect(computeDesiredState(stack(rosterOf(ada)), { ...known(), undelivered })).rejects.toThrow(message);
  },
);

test("the stack's surfaces are those that its settings switch on", () => {
  expect(surfacesOf(stack(rosterOf(ada)))).toEqual(["host devvm"]);
  const all = { vault: { address: "https://vault.test" }, forgejo: { username: "ops" } };
  expect(surfacesOf(settings(all))).toEqual(["forge", "Vault", "host devvm"]);
});
