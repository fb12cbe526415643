/** What a host's answers come to, over real SSH to a fake host and by the judgement alone. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { clockCheck } from "../../../cli/doctor/clock.ts";
import { hostChecks, judgeHost } from "../../../cli/doctor/hosts.ts";
import { controlPlaneNeeds, hostNeeds } from "../../../cli/doctor/needs.ts";
import { type Host, onHost } from "../../../clients/ssh/run-command.ts";
import { LEAST, settings } from "../../config/raw-config.ts";
import { text } from "../../house/sources.ts";
import { type LoopbackHost, startLoopbackHost } from "../loopback-host.ts";

const HOST: Host = { name: "devvm", address: "10.0.0.6", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" };
const CLUSTER = { server: "https://api.test", caData: "eA==", oidc: { issuer: "https://i.test", clientId: "c" } };
const needs = { ...hostNeeds(settings({ cluster: CLUSTER })), packages: ["git", "zhs"] };
const now = Date.now();
const answer = (changes: Readonly<Record<string, string>> = {}): string => {
  const said = {
    ...{ uid: "0", clock: String(Math.floor(now / 1000)), node: "v18.20.4", visudo: "yes" },
    ...{ "package git": "installed", "package zhs": "known" },
    ...{ "program /bin/t3": "there", "program /bin/browser": "there", "program /bin/sync": "there" },
    ...{ "program kubectl": "there", "program kubectl-oidc_login": "there", "program claude": "there" },
    ...changes,
  };
  return `${Object.entries(said)
    .map(([name, value]) => `${name} ${value}`)
    .join("\n")}\nend\n`;
};
const lacking = (printed: string) =>
  judgeHost(HOST, needs, printed, { sentMs: now, answeredMs: now })
    .filter(({ state }) => state === "missing")
    .map(({ what, found, remedy }) => `${what}: ${found}: ${remedy}`);

let host: LoopbackHost | undefined;
afterEach(() => host?.stop());

test("a host that has everything lacks nothing", () => {
  expect(lacking(answer())).toEqual([]);
});

test.each([
  [{ node: "none" }, []],
  [
    { node: "/opt/node/bin/node" },
    [
      "node: no /usr/bin/node; node on the path: /opt/node/bin/node: apt-get update && apt-get install --yes --no-install-recommends nodejs",
    ],
  ],
  [{ lists: "none", "package zhs": "unknown" }, []],
  [{ node: "v16.1.0" }, ["node: v16.1.0: apt-get update && apt-get install --yes --no-install-recommends nodejs"]],
  [{ visudo: "no" }, ["sudo: it rejects regular expressions in its rules: apt-get install --yes sudo"]],
  [
    { "package zhs": "unknown" },
    [
      "package zhs: apt knows no such package: apt-get update, then ./ws doctor again; if it stays, apt-cache search zhs, and correct the name in devvm.packages",
    ],
  ],
  [
    { "program /bin/t3": "absent" },
    [
      "program /bin/t3: there is no such program, so nobody has a code server: install /bin/t3 on devvm (10.0.0.6:22), " +
        "correct devvm.commands.t3, or remove it where nobody needs it",
    ],
  ],
  [
    { "program kubectl": "absent", "program kubectl-oidc_login": "absent" },
    [
      "program kubectl: there is no such program, so people reach no cluster from the host: install kubectl on devvm (10.0.0.6:22)",
      "program kubectl-oidc_login: there is no such program, so people's kubectl cannot sign in: install kubectl-oidc_login on devvm (10.0.0.6:22)",
    ],
  ],
])("with %j it says what is missing and the line that brings it", (changes, expected) => {
  expect(lacking(answer(changes as Record<string, string>))).toEqual(expected);
});

const programs = (devvm: object, changes: Readonly<Record<string, string>> = {}) =>
  judgeHost(HOST, hostNeeds(settings({ devvm: { ...LEAST.devvm, ...devvm } })), answer(changes), {
    sentMs: now,
    answeredMs: now,
  })
    .filter(({ what }) => what.startsWith("program"))
    .map(({ state, what, found }) => `${state} ${what}: ${found}`);

test("it says of each outside program what it is for, and of a command that is not set what fails without it", () => {
  expect(programs({})).toEqual([
    "ok program /bin/t3: there; the code server of each person",
    "ok program /bin/browser: there; the browser server of each person",
    "ok program /bin/sync: there; the sync of the assistant's credentials",
    "ok program claude: there; the assistant, which each new session starts",
  ]);
  expect(programs({ commands: {} }, { "program claude": "absent" })).toEqual([
    "ok program of devvm.commands.t3: not set, so nobody has a code server",
    "ok program of devvm.commands.browser: not set, so nobody has browser automation",
    "ok program of devvm.commands.credentialSync: not set, so nobody's assistant gets credentials by itself",
    "untried program claude: the assistant, which each new session starts; not there for everybody, so a session of " +
      "anybody who has none in ~/.local/bin starts a shell in its place",
  ]);
});

test.each(["/home/%i/bin/t3", "/opt/%i/t3", "/home/ana/t3"])("a program at %s is not looked for by root", (path) => {
  expect(programs({ commands: { t3: [path] } })[0]).toBe(
    `untried program ${path}: the code server of each person; it lies where only its person looks`,
  );
});

test("a login that is not root is told with its uid, and a host without sudo gets it by the deployment", () => {
  expect(lacking(answer({ uid: "1000" }))).toEqual([
    "rights: the login root has uid 1000: put the public key into /root/.ssh/authorized_keys on devvm (10.0.0.6:22)",
  ]);
  expect(lacking(answer({ visudo: "none" }))).toEqual([]);
});

test.each([
  [{ node: "none", "node on the path": "none" }, ["node: no node on the login's path"]],
  [{ node: "/usr/local/bin/node", "node on the path": "v20.1.0" }, []],
  [{ "node on the path": "v16.1.0" }, ["node: v16.1.0"]],
  [{ "node on the path": "broken" }, ["node: broken"]],
  [{ "node on the path": "v18.20.4", visudo: "no" }, []],
])("a control plane of %j needs a node on its path that nobody installs, and no sudo", (changes, expected) => {
  const printed = answer(changes as Record<string, string>);
  const checks = judgeHost(HOST, controlPlaneNeeds, printed, { sentMs: now, answeredMs: now });
  expect(checks.filter(({ state }) => state === "missing").map(({ what, found }) => `${what}: ${found}`)).toEqual(
    expected,
  );
  expect(checks.map(({ what }) => what)).not.toContain("sudo");
});

test.each([
  ["no node", undefined, "none"],
  ["a node", "echo v20.1.0", "v20.1.0"],
  ["a node that fails", "exit 1", "broken"],
])("the script tells of %s on the login's own path where that is asked for", (_what, program, version) => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-path-"));
  if (program !== undefined) writeFileSync(join(folder, "node"), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  const env = { PATH: folder };
  const input = text("cli/doctor/host.sh");
  const ask = (...args: string[]) =>
    spawnSync("/bin/sh", ["-s", "--", ...args], { env, input, encoding: "utf8", timeout: 30_000 }).stdout;
  expect(ask("node:path")).toContain(`\nnode on the path ${version}\nend\n`);
  expect(ask()).not.toContain("node on the path");
});

test("a control plane is asked for the node on its path, and a host of people is not", async () => {
  host = await startLoopbackHost("devvm", () => ({ out: "end\n" }));
  const real = { ...HOST, ...(host.settings.hosts[0] as Host), user: "root" };
  const { sshPrivateKey } = host.settings;
  const asked: string[][] = [];
  for (const wanted of [controlPlaneNeeds, needs])
    await hostChecks(real, wanted, (command) => {
      asked.push(command.argv.slice(3));
      return onHost({ sshPrivateKey }, real, command);
    });
  expect(asked.map((one) => one.filter((arg) => arg.startsWith("node:")))).toEqual([["node:path"], []]);
});

test("the wrong host key and a host that is away are findings with what to compare", async () => {
  host = await startLoopbackHost("devvm", () => ({ out: "end\n" }));
  const [place] = host.settings.hosts as Host[];
  const other = { ...HOST, ...place, user: "root", hostKey: `ssh-ed25519 ${Buffer.alloc(51, 1).toString("base64")}` };
  const { sshPrivateKey } = host.settings;
  const [finding] = await hostChecks(other, needs, (command) => onHost({ sshPrivateKey }, other, command));
  expect(finding).toMatchObject({ surface: "host", what: "login", state: "missing" });
  expect(finding?.remedy).toContain("ssh-keyscan -p");
  expect(host.sent).toEqual([]);
});

test("a private key that cannot be read is an error of the host at once, without a word of the key", async () => {
  const started = Date.now();
  const asked = onHost({ sshPrivateKey: "no key at all" }, HOST, { argv: ["/bin/true"] });
  await expect(asked).rejects.toThrow(/^devvm: the login cannot be tried: (?!.*no key at all)/);
  expect(Date.now() - started).toBeLessThan(5_000);
});

test("an answer that is not whole is a finding and no list of absences", async () => {
  host = await startLoopbackHost("devvm", () => ({ code: 1, out: "uid 0\n", err: "sh: out of memory\n" }));
  const real = { ...HOST, ...(host.settings.hosts[0] as Host), user: "root" };
  const { sshPrivateKey } = host.settings;
  const checks = await hostChecks(real, needs, (command) => onHost({ sshPrivateKey }, real, command));
  expect(checks.map(({ what, found }) => `${what}: ${found}`)).toEqual(["answer: exit code 1, and sh: out of memory"]);
});

test("a clock counts as wrong beyond half a minute, either way, however long the exchange took", () => {
  const target = { surface: "clock", where: "vault", who: "" } as const;
  const found = (theirs: number, took = 0) => clockCheck(target, theirs, { sentMs: now, answeredMs: now + took }).found;
  expect(found(now - 20_000)).toBe("agrees with this machine's");
  expect(found(now + 40_000)).toBe("40 s ahead of this machine's");
  expect(found(now - 61_000)).toBe("60 s behind this machine's");
  expect(found(now + 40_000, 15_000)).toBe("agrees with this machine's");
  expect(found(Number.NaN)).toBe("its answer names no time");
});
