/** What the program declares for its hosts: names, commands, what runs again when, and in which order. */

import { digestOf } from "../../../agent/lib/delivered-digests.ts";
import { INSTALLED, preflight } from "../../../components/devvm/preflight.ts";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import type { Derivation } from "../../../roster/derive/derive.ts";
import type { OsUser } from "../../../roster/model.ts";
import { deployHosts } from "../../../stacks/devvm.ts";
import { settings } from "../../config/raw-config.ts";
import { unwrapped } from "../cluster/reveal-secrets.ts";
import { firstDay, SITE, secondDay } from "./sample.ts";

const KEY = "canary of the private key";
const BOTH = [
  { name: "devvm", address: "10.0.0.6", hostKey: "ssh-ed25519 AAAA" },
  { name: "attic", address: "10.0.0.7", port: 2222, hostKey: "ssh-ed25519 BBBB" },
];

interface Command {
  readonly name: string;
  /** As the engine gets it, what is secret still wrapped. */
  readonly wire: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Which others were done before the engine heard of this one. */
  readonly after: readonly string[];
}

/** Every command and upload. Each takes a while, so that whatever does not wait for another comes before that one is done. */
async function declared(
  { desired }: Derivation,
  { sha256 = "1234", site = SITE, down = new Set<string>(), vaultTokens = {} as Readonly<Record<string, string>> } = {},
): Promise<readonly Command[]> {
  const heard: Command[] = [];
  const done: string[] = [];
  await pulumi.runtime.setMocks({
    call: ({ token }) => {
      throw new Error(`nothing here calls ${token}`);
    },
    newResource: async ({ type, name, inputs }) => {
      if (type.startsWith("command:")) {
        heard.push({ name, wire: inputs, inputs: unwrapped(inputs) as Command["inputs"], after: [...done] });
        await sleep(20);
        done.push(name);
      }
      return { id: name, state: inputs };
    },
  });
  const own = Object.entries(vaultTokens).map(([who, token]) => [who as OsUser, pulumi.secret(token)] as const);
  await deployHosts({
    settings: settings({ hosts: BOTH, sshPrivateKey: KEY, vault: { address: "https://vault.test" } }),
    ...{ desired, site, agent: { path: "dist/agent.mjs", sha256 }, credentials: new Map(), vaultTokens: new Map(own) },
    ...{ cuts: [], down, declared: () => undefined },
  });
  await pulumi.runtime.disconnect();
  return heard;
}

const first = await declared(firstDay);

const byName = (all: readonly Command[]) => new Map(all.map((one) => [one.name, one.inputs]));

/** Names of what runs again in the second deployment: what is new, and what has another input. */
async function runsAgain(before: readonly Command[], after: readonly Command[]) {
  const was = byName(before);
  return after
    .filter(({ name, inputs }) => JSON.stringify(was.get(name)) !== JSON.stringify(inputs))
    .map(({ name }) => name)
    .sort();
}

test("a host has its agent, base and maps, each person three steps, and one settle has the last word", async () => {
  expect(first.map(({ name }) => name).sort()).toEqual(
    [
      ...["attic-agent", "attic-base", "attic-maps", "attic-settle"],
      ...["ancamilea@devvm-account", "ancamilea@devvm-clones", "ancamilea@devvm-units", "devvm-agent", "devvm-base"],
      ...["devvm-maps", "devvm-settle", "emo@devvm-account", "emo@devvm-clones", "emo@devvm-units"],
      ...["wizard@devvm-account", "wizard@devvm-clones", "wizard@devvm-units"],
    ].sort(),
  );
});

test("a credential sync's token is handed to its person's host as a secret, before the clones, and to nobody who left there", async () => {
  const all = await declared(secondDay, { vaultTokens: { wizard: "hvs.1", emo: "hvs.2" } });
  const delivered = all.filter(({ name }) => name.endsWith("-credentials"));
  expect(delivered.map(({ name }) => name).sort()).toEqual(["emo@attic-credentials", "wizard@devvm-credentials"]);
  const wizards = delivered.find(({ name }) => name.startsWith("wizard"));
  expect(JSON.parse(String(wizards?.inputs.stdin))).toMatchObject({
    ...{ kind: "credentials", osUser: "wizard", vault: { address: "https://vault.test", token: "hvs.1" } },
  });
  expect(typeof wizards?.wire.stdin).not.toBe("string");
  expect(all.find(({ name }) => name === "wizard@devvm-clones")?.after).toContain("wizard@devvm-credentials");
});

test("whoever leaves or moves keeps their resources: leaving is delivered, never deleted", async () => {
  const names = new Set((await declared(secondDay)).map(({ name }) => name));
  const before = first.map(({ name }) => name);
  expect(before.filter((name) => !names.has(name))).toEqual([]);
  expect([...names].filter((name) => name.includes("@attic"))).toHaveLength(3);
});

test("a command is a constant line that says what and who, the same to create and to update, and never runs on delete", async () => {
  const all = byName(first);
  const line = (name: string) => all.get(name)?.create;
  expect(["devvm-maps", "emo@devvm-account", "emo@devvm-clones", "emo@devvm-units", "devvm-settle"].map(line)).toEqual([
    "/usr/local/sbin/workstation apply maps devvm",
    "/usr/local/sbin/workstation apply account emo",
    "/usr/local/sbin/workstation apply clones emo",
    "/usr/local/sbin/workstation apply units emo",
    "/usr/local/sbin/workstation settle --delivered",
  ]);
  const commands = [...all].filter(([name]) => !name.endsWith("-agent")).map(([, inputs]) => inputs);
  expect(commands.map(({ create, update }) => create === update)).not.toContain(false);
  expect(commands.map((inputs) => [inputs.delete, inputs.addPreviousOutputInEnv])).toEqual(
    commands.map(() => [undefined, false]),
  );
});

test("the base verifies the agent's checksum before it runs it, and says what to do where node is missing", async () => {
  const line = String(byName(await declared(firstDay, { sha256: "abcd" })).get("devvm-base")?.create);
  expect(line.split("\n")).toEqual([
    "set -eu",
    ...preflight(INSTALLED),
    expect.stringMatching(/^if \[ -e (\S+) \]; then \/usr\/bin\/node \1 install --sha256 abcd <\/dev\/null; fi$/),
    "/usr/local/sbin/workstation apply base devvm",
  ]);
});

test("a person's part is what their command reads, and the guidance stands in no command line", async () => {
  const all = byName(first);
  const partOf = (name: string) => JSON.parse(String(all.get(name)?.stdin)) as unknown;
  expect([partOf("emo@devvm-account"), partOf("emo@devvm-units"), partOf("devvm-maps")]).toMatchObject([
    { kind: "account", osUser: "emo", uid: 20_001, state: "present" },
    { kind: "units", osUser: "emo", ports: { t3: 3774, browser: 8932 } },
    { kind: "maps", host: "devvm", present: ["ancamilea", "emo", "wizard"] },
  ]);
  expect([...all.values()].map(({ create }) => String(create)).filter((line) => line.includes("kind."))).toEqual([]);
});

test("what settles a host reads the digest of every part that is delivered to it, and the agent's checksum", () => {
  const parts = first.filter(({ name, inputs }) => /\bdevvm-(?!settle)/.test(name) && inputs.stdin !== undefined);
  const digests = parts.map(({ name, inputs }) => {
    const [, who, kind] = /^(?:(.+)@)?devvm-(.+)$/.exec(name) ?? [];
    return [who === undefined ? kind : `${kind}.${who}`, digestOf(JSON.parse(String(inputs.stdin)))] as const;
  });
  expect(digests).toHaveLength(2 + 3 * 3);
  expect(JSON.parse(String(byName(first).get("devvm-settle")?.stdin))).toEqual({
    agent: "1234",
    ...Object.fromEntries(digests),
  });
});

test("the private key travels as a secret, and stands in no command line, no input and no trigger", async () => {
  const all = first;
  const bare = all.map(({ inputs: { connection: _with, ...rest } }) => JSON.stringify(rest));
  expect(bare.filter((text) => text.includes(KEY))).toEqual([]);
  expect(all.map(({ inputs }) => JSON.stringify(inputs.connection).includes(KEY))).not.toContain(false);
  // Around the key, or around the whole connection, there is the mark of a secret.
  const SIGNATURE = "4dabf18193072939515e22adb298388d";
  expect(all.map(({ wire }) => JSON.stringify(wire.connection).includes(SIGNATURE))).not.toContain(false);
});

test("the secret of the ingress is a step of its own after the base, wholly secret, and a rotation runs nothing else again", async () => {
  const ingressSecret = { header: "X-Ingress-Secret", value: "canary-of-the-ingress-0123456789abcdef" };
  const guarded = await declared(firstDay, { site: { ...SITE, ingressSecret } });
  const of = (name: string) => guarded.find((one) => one.name === name);
  expect(JSON.parse(String(of("devvm-ingress-secret")?.inputs.stdin))).toEqual({
    ...{ contract: 1, kind: "ingress-secret", host: "devvm", accepted: [ingressSecret.value] },
  });
  expect(of("devvm-ingress-secret")?.inputs.create).toBe("/usr/local/sbin/workstation apply ingress-secret devvm");
  expect(JSON.stringify(of("devvm-ingress-secret")?.wire.stdin)).toContain("4dabf18193072939515e22adb298388d");
  expect([of("devvm-ingress-secret")?.after, of("devvm-maps")?.after]).toEqual([
    expect.arrayContaining(["devvm-base"]),
    expect.arrayContaining(["devvm-ingress-secret"]),
  ]);
  expect(JSON.parse(String(of("devvm-base")?.inputs.stdin))).toMatchObject({
    ingressSecret: { header: "X-Ingress-Secret" },
  });
  const holders = guarded.filter(({ inputs }) => JSON.stringify(inputs).includes("canary-of-the-ingress"));
  expect(holders.map(({ name }) => name).sort()).toEqual(["attic-ingress-secret", "devvm-ingress-secret"]);
  const rotated = { ...ingressSecret, value: "next-of-the-ingress-0123456789abcdef", previous: ingressSecret.value };
  const after = await declared(firstDay, { site: { ...SITE, ingressSecret: rotated } });
  expect(await runsAgain(guarded, after)).toEqual(["attic-ingress-secret", "devvm-ingress-secret"]);
});

test("every connection names its host's key and ends the wait for one that is away", async () => {
  const all = byName(first);
  expect([all.get("devvm-maps")?.connection, all.get("attic-agent")?.connection]).toEqual([
    connection("10.0.0.6", 22, "root", "ssh-ed25519 AAAA"),
    connection("10.0.0.7", 2222, "root", "ssh-ed25519 BBBB"),
  ]);
});

const connection = (host: string, port: number, user: string, hostKey: string) => ({
  ...{ host, port, user, hostKey },
  ...{ privateKey: KEY, dialErrorLimit: 4, perDialTimeout: 10 },
});

test("nothing runs again where nothing changed", async () => {
  expect(await runsAgain(await declared(firstDay), first)).toEqual([]);
});

test("a change of one person runs their own step again and the host's last word, and nobody else's", async () => {
  const { desired } = firstDay;
  const people = new Map(
    [...desired.people].map(([who, person]) => [who, who === "emo" ? { ...person, parked: true } : person]),
  );
  const parked = { ...firstDay, desired: { ...desired, people } };
  expect(await runsAgain(await declared(firstDay), await declared(parked))).toEqual([
    "devvm-settle",
    "emo@devvm-units",
  ]);
});

test("a new agent is uploaded, installed, and settles every host again", async () => {
  expect(await runsAgain(await declared(firstDay), await declared(firstDay, { sha256: "5678" }))).toEqual([
    ...["attic-agent", "attic-base", "attic-settle", "devvm-agent", "devvm-base", "devvm-settle"],
  ]);
});

test("on a host nothing overtakes: agent, base, maps, then each person's account, clones and units, then settle", async () => {
  const after = new Map((await declared(secondDay)).map((one) => [one.name, one.after]));
  const people = ["ancamilea@devvm", "emo@devvm", "wizard@devvm"];
  const waits = [
    ["devvm-base", "devvm-agent"],
    ["devvm-maps", "devvm-base"],
    ...people.flatMap((who) => [
      [`${who}-account`, "devvm-maps"],
      [`${who}-clones`, `${who}-account`],
      [`${who}-units`, `${who}-clones`],
      ["devvm-settle", `${who}-units`],
    ]),
  ] as const;
  expect(waits.filter(([what, first]) => after.get(what)?.includes(first ?? "") !== true)).toEqual([]);
});

test("a host that does not answer comes after all the others: nothing there waits for it", async () => {
  const after = new Map((await declared(secondDay, { down: new Set(["devvm"]) })).map((one) => [one.name, one.after]));
  expect([after.get("attic-agent"), after.get("devvm-agent")?.includes("attic-settle")]).toEqual([[], true]);
});

test("people of one host, and the hosts, do not wait for each other", async () => {
  const after = new Map((await declared(secondDay)).map((one) => [one.name, one.after]));
  expect([after.get("attic-agent"), after.get("wizard@devvm-account")?.includes("emo@devvm-account")]).toEqual([
    [],
    false,
  ]);
});
