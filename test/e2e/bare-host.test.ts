/** Two bare machines, a minimal Debian 12 and 13 with SSH and a key, become working hosts by one deployment. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { bareBase, type DebianBase, type DevVm, startDevVm } from "../../lab/devvm/index.ts";
import { instanceName, openInstance } from "../../lab/instance.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { type PackageRelay, startPackageRelay } from "./bare/package-relay.ts";
import { changed, everybody, without } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

const HOSTS = [
  { name: "bare12", suite: "bookworm", index: 41 },
  { name: "bare13", suite: "trixie", index: 42 },
] as const;
type Name = (typeof HOSTS)[number]["name"];

const [ADMIN, USER, OWNER] = ["wizard", "emo", "ancamilea"] as const;
const rows = [
  [ADMIN, "bare12"],
  [USER, "bare12"],
  [OWNER, "bare13"],
].reduce((all, [name = "", host]) => changed(all, name, { host }), everybody);

let stack: PeopleStack;
let relay: PackageRelay;
let settings: readonly Setting[];
const vms = new Map<Name, DevVm>();
const vm = (name: Name): DevVm => {
  const found = vms.get(name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
};

beforeAll(async () => {
  stack = await freshStack();
  const instance = await openInstance(instanceName());
  relay = await startPackageRelay(instance.address.host);
  for (const { name, suite, index } of HOSTS) {
    const started = await startDevVm(instance, name, index, bareBase(suite));
    await started.reset();
    vms.set(name, started);
    await started.ssh("cat > /etc/apt/sources.list", { input: sources(suite) });
  }
  settings = [
    [["hosts"], [...vms.values()].map(({ name, address, hostKey }) => ({ name, address, hostKey }))],
    // Nothing of the lab's own programs is on these machines: people have accounts, clones and sessions.
    [["devvm", "commands"], {}],
  ];
}, 1_200_000);
afterAll(async () => {
  for (const each of vms.values()) await each.remove();
  await relay?.close();
});

const sources = (suite: DebianBase["suite"]) => `deb ${relay.url} ${suite} main\n`;
const sh = async (name: Name, script: string, as?: string) =>
  (await vm(name).ssh(script, { timeoutMs: 120_000, ...(as === undefined ? {} : { as }) })).stdout.trimEnd();
const up = async (people: Parameters<PeopleStack["up"]>[0]) => {
  const ran = await stack.up(people, settings);
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return ran.stdout;
};

test("the machines have nothing of what the program needs", async () => {
  for (const { name } of HOSTS) {
    const found = await sh(name, "for p in node git tmux zsh sudo visudo nft; do command -v $p; done; true");
    expect([name, found]).toEqual([name, ""]);
  }
});

test("while no package can be had nobody is half made, and the sentence says why", async () => {
  await sh("bare12", "echo 'deb http://127.0.0.1:9 bookworm main' > /etc/apt/sources.list");
  const { code, stdout, stderr } = await stack.up(rows, settings);
  await sh("bare12", `echo '${sources("bookworm").trim()}' > /etc/apt/sources.list`);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/nodejs, by which the agent runs, cannot be installed on this host: .*127\.0\.0\.1/);
  expect(await sh("bare12", "ls /home; getent passwd wizard emo || true")).toBe("");
}, 900_000);

test("one deployment installs what is missing, says in which versions, and makes groups and people", async () => {
  const said = await up(rows);
  expect(said).toMatch(/host: installed nodejs v18\.\S+, by which the agent runs/);
  expect(said).toMatch(/host: installed .*git 1:2\.39\S+.*tmux 3\.3\S+.*zsh \S+/);
  for (const [name, tools] of [
    ["bare12", "v18 tmux 3.3"],
    ["bare13", "v20 tmux 3.5"],
  ] as const)
    expect(await sh(name, "echo $(node --version | cut -d. -f1) $(tmux -V | cut -c1-8)")).toBe(tools);
  expect(await sh("bare12", "getent group code-shared docker sudo | cut -d: -f1,4 | sort")).toBe(
    "code-shared:wizard\ndocker:wizard\nsudo:wizard",
  );
}, 1_500_000);

test("people work on both: a login, their clones, a session that survives a boot", async () => {
  for (const [name, who] of [
    ["bare12", USER],
    ["bare13", OWNER],
  ] as const) {
    const code = who === OWNER ? "~/code/infra" : "~/code";
    expect(await sh(name, `git -C ${code} log --format=%s | wc -l`, who)).not.toBe("0");
    expect(await sh(name, "tmux -u new-session -d -s work -c ~; tmux list-sessions -F '#{session_name}'", who)).toBe(
      "work",
    );
    expect(await sh(name, `systemctl is-active user@$(id -u ${who}) workstation-reconcile.timer`)).toBe(
      "active\nactive",
    );
    await sh(name, "tmux-persist save");
    await vm(name).reboot();
    await sh(name, "systemctl start tmux-persist-restore.service; systemctl is-system-running --wait");
    expect(await sh(name, "tmux list-sessions -F '#{session_name}'", who)).toBe("work");
    expect(await sh(name, "nft list table inet workstation | grep -c guests")).toBe("2");
  }
}, 600_000);

test("a second deployment and the hourly run change nothing", async () => {
  const { code, stdout } = await stack.engine.pulumi([
    "up",
    "--yes",
    "--skip-preview",
    "--expect-no-changes",
    ...stack.target,
  ]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\d+ unchanged/)]);
  for (const { name } of HOSTS) {
    const ran = await vm(name).ssh("workstation reconcile", { timeoutMs: 120_000, accept: [0, 1] });
    expect([name, ran.code, ran.stdout.trim(), ran.stderr]).toEqual([name, 0, "nothing to change", ""]);
  }
});

test("whoever leaves has no access on such a host, and their files stay", async () => {
  const left = await stack.up(without(rows, OWNER), [...settings, [["confirmLeave"], [OWNER]]]);
  if (left.code !== 0) throw new Error(left.stdout + left.stderr);
  expect(await sh("bare13", `getent shadow ${OWNER} | cut -d: -f2 | cut -c1; ps -u ${OWNER} -o pid= | wc -l`)).toBe(
    "!\n0",
  );
  expect(
    await sh(
      "bare13",
      `ls -d /home/${OWNER}/code/infra/.git; chage --list ${OWNER} | grep -c 'Account expires.*never'; true`,
    ),
  ).toBe(`/home/${OWNER}/code/infra/.git\n0`);
});
