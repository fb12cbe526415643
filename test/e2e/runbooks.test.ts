/** Every step of every runbook, on a lab's real stack with two hosts: a page that is no longer true fails here. */

import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterFact } from "../../lab/cluster/cluster.ts";
import { type DevVm, factsOfDevVm, findDevVm, startDevVm } from "../../lab/devvm/index.ts";
import { instanceName, openInstance, type Instance } from "../../lab/instance.ts";
import { PROJECT, STACK } from "../../lab/pulumi/engine.ts";
import { writeStackConfig } from "../../lab/pulumi/stack-config.ts";
import { run } from "../../lab/run.ts";
import { linkPackages } from "./fixtures/link-packages.ts";
import { missingIn, stepsOf } from "./fixtures/runbook.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

const ROSTER = `users:
  wizard:
    authentik_user: vbarzin
    k8s_user: wizard
    tier: admin
  emo:
    authentik_user: emil.barzin
    k8s_user: emo
    tier: power-user
`;

let instance: Instance;
let stack: PeopleStack;
let second: DevVm;
let folder: string;
let env: Record<string, string>;
/** The page that did not end well. */
let stopped: string | undefined;

/** A page of a few deployments takes half a minute; on a machine that does other things it may take many. */
const PAGE_MS = 900_000;

beforeAll(async () => {
  instance = await openInstance(instanceName());
  stack = await freshStack();
  second = await startDevVm(instance, "devvm2", 20);
  await second.reset();
  await hold(second);
  folder = instance.path("runbooks");
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "bin"), { recursive: true });
  env = await operatorsShell();
  await copyOfTheProject();
  await configured();
  await committed();
  const first = await shell(`pulumi stack select ${STACK}\npulumi up --yes --skip-preview`);
  if (first.code !== 0) throw new Error(first.said);
}, 600_000);
afterAll(async () => {
  await second.remove();
  await rm(folder, { recursive: true, force: true });
});

/** The hourly run does by itself what a page wants to see done. */
const hold = (vm: DevVm) =>
  vm.ssh("mkdir --parents --mode=0700 /var/lib/workstation; echo test > /var/lib/workstation/hold");

/** A project folder of the operator's own, so that pages may change the roster and the stack's file as they say. */
async function copyOfTheProject(): Promise<void> {
  const entries = (await readdir(PROJECT)).filter((name) => ![".git", "node_modules", "dist", "test"].includes(name));
  for (const name of entries) await cp(join(PROJECT, name), join(folder, "project", name), { recursive: true });
  await linkPackages(join(folder, "project"));
  await writeFile(join(folder, "project", "roster.yaml"), ROSTER);
}

/** The operator's repository: with a remote to push to, and nothing that is in no commit. */
async function committed(): Promise<void> {
  const made = await shell(`git init --quiet --bare --initial-branch master ../origin.git
git init --quiet --initial-branch master && echo node_modules >> .git/info/exclude
git config user.name admin && git config user.email admin@lab.example
git add --all && git commit --quiet --message "Begin"
git remote add origin ../origin.git && git push --quiet --set-upstream origin master`);
  if (made.code !== 0) throw new Error(made.said);
}

async function configured(): Promise<void> {
  const hosts = await Promise.all(
    ["devvm", "devvm2"].map(async (name) => {
      const { address, hostKey } = await factsOfDevVm(name).read(instance);
      return { name, address, hostKey };
    }),
  );
  await writeStackConfig(instance, stack.engine, [[["hosts"], hosts]]);
  await cp(stack.engine.configFile, join(folder, "project", `Pulumi.${STACK}.yaml`));
}

/** The operator's shell: the lab's engine, the hosts by their names, and kubectl with its file. */
async function operatorsShell(): Promise<Record<string, string>> {
  const cluster = await clusterFact.read(instance);
  await sshByName();
  const wrapper = (name: string, text: string) =>
    writeFile(join(folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await wrapper("ssh", `exec /usr/bin/ssh -F ${folder}/ssh_config "$@"`);
  await wrapper(
    "ssh-keyscan",
    `for last; do :; done; set -- "$(/usr/bin/ssh -G -F ${folder}/ssh_config "$last" | sed -n 's/^hostname //p')"; exec /usr/bin/ssh-keyscan -t ed25519 "$1"`,
  );
  await wrapper("kubectl", `exec ${cluster.kubectl} --kubeconfig=${cluster.adminKubeconfig} "$@"`);
  return {
    ...stack.engine.env,
    PATH: `${join(folder, "bin")}:${stack.engine.env.PATH}`,
    HOME: folder,
    NO_COLOR: "1",
  };
}

async function sshByName(): Promise<void> {
  const hosts = await Promise.all(
    ["devvm", "devvm2"].map(async (name) => {
      const { address, privateKeyPath } = await factsOfDevVm(name).read(instance);
      return `Host ${name}\n  HostName ${address}\n  User root\n  IdentityFile ${privateKeyPath}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n`;
    }),
  );
  await writeFile(`${folder}/ssh_config`, hosts.join("\n"), { mode: 0o600 });
}

const ANY = Array.from({ length: 256 }, (_, code) => code);

async function shell(script: string): Promise<{ readonly code: number; readonly said: string }> {
  const cwd = join(folder, "project");
  const ran = await run(["/bin/bash", "-euo", "pipefail", "-c", `exec 2>&1\n${script}`], {
    cwd,
    env,
    accept: ANY,
    timeoutMs: 600_000,
  });
  return { code: ran.code, said: ran.stdout };
}

const EVENTS: Readonly<Record<string, () => Promise<void>>> = {
  "an empty machine takes the place of devvm": async () => {
    const before = await findDevVm(instance);
    await before.remove();
    await hold(await startDevVm(instance));
    await sshByName();
  },
  "the state is lost": async () => {
    await rm(instance.path("pulumi", "state"), { recursive: true });
    await mkdir(instance.path("pulumi", "state"), { mode: 0o700 });
  },
};

test.each(["join", "change", "leave", "return", "move", "remove", "restore", "host-lost", "state-lost"])(
  "docs/runbooks/%s.md says what is so",
  async (page) => {
    // Each page begins where the one before it ended.
    if (stopped !== undefined) throw new Error(`not tried, since ${stopped} failed`);
    stopped = page;
    const path = `docs/runbooks/${page}.md`;
    const steps = stepsOf(await readFile(join(PROJECT, path), "utf8"));
    expect(steps.length).toBeGreaterThan(1);
    for (const step of steps) {
      if (step.kind === "event") {
        const happens = EVENTS[step.what];
        if (happens === undefined) throw new Error(`${path}:${step.line}: this test knows no "${step.what}"`);
        await happens();
        continue;
      }
      const { code, said } = await shell(step.script);
      if (code !== 0) throw new Error(`${path}:${step.line}: ended with ${code}:\n${said}`);
      const missing = missingIn(said, step.says);
      if (missing !== undefined) throw new Error(`${path}:${step.line}: it did not say "${missing}" but:\n${said}`);
    }
    const { said } = await shell("pulumi stack history --json --page-size 1");
    expect(JSON.parse(said)[0].environment).toMatchObject({ "git.dirty": "false" });
    stopped = undefined;
  },
  PAGE_MS,
);
