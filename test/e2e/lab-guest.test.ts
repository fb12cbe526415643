/** The lab is a good guest: after `down` the machine is as it was before `up`, also when `up` was killed. Needs root. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterFact } from "../../lab/cluster/cluster.ts";
import { NGINX_IMAGE } from "../../lab/cluster/nginx-image.ts";
import { findInstance } from "../../lab/instance.ts";
import { allProcesses, environmentOf } from "../../lab/process/identity.ts";
import { run } from "../../lab/run.ts";
import { stepsOf } from "./fixtures/runbook.ts";

/** Of its own beside whoever else runs this on the machine; an interface's name has room for so much. */
const NAME = `g-${process.env.WS_LAB || "test"}`.slice(0, 12);
const DIR = `/var/lib/workstations-lab/${NAME}`;
const ROOT = join(import.meta.dirname, "../..");
const main = join(ROOT, "lab/main.ts");

beforeAll(async () => {
  // Else `make` would install them anew while other tests use them.
  const asked = await run(["make", "--question", "node_modules/.installed"], { cwd: ROOT, accept: [0, 1] });
  if (asked.code !== 0) throw new Error("the packages are not those of package-lock.json; run `make check` first");
});
afterAll(() => lab("down", "--purge"));

test("after up, pods, and down, nothing is left", async () => {
  const before = await machine();
  await make("up");
  await runPods();
  await saysWhatThePagesSay();
  await opensSessions();
  const meanwhile = await machine();
  // The looking is proved by what it sees while the lab is up.
  expect(meanwhile.interfaces).toContain(`ws-${NAME}`);
  expect(meanwhile.daemons.filter((command) => command.includes("containerd-shim"))).toHaveLength(2);
  expect(meanwhile.cgroups.length).toBeGreaterThan(before.cgroups.length);
  await make("down");
  expect(await machine()).toEqual(before);
});

test("after down and another up, every server still has what was written to it, and everybody is as decided", async () => {
  const said = await lab("up");
  expect(said).toMatch(/^Starting the lab "g-[^"]+": about \d+ min\./);
  expect(said).toMatch(/^ +\d+ unchanged$/m);
  expect(said).not.toMatch(/^ +[~+-]+ \d+ |from \$PATH/m);
  const env = { ...process.env, WS_LAB: NAME };
  const script = 'eval "$(make -s env)"\n./ws status';
  const { stdout } = await run(["bash", "-euo", "pipefail", "-c", script], { cwd: ROOT, env, timeoutMs: 120_000 });
  expect(stdout).toContain("Everything is as decided.");
  const keys = await stat(join(DIR, "vault/keys.json"));
  expect((keys.mode & 0o777).toString(8)).toBe("600");
  await lab("down", "--purge");
});

test("after an up that was killed in the middle, and down, nothing is left", async () => {
  const before = await machine();
  const up = start("up");
  await untilThere(join(DIR, "run", "api-server.json"));
  up.kill("SIGKILL");
  await once(up, "exit");
  await lab("down", "--purge");
  expect(await machine()).toEqual(before);
});

test("down of a lab that is not there is no error", async () => {
  expect(await lab("down")).toContain(`no lab "${NAME}"`);
});

function start(...args: readonly string[]) {
  return spawn(process.execPath, ["--import", "tsx", main, ...args], {
    env: { ...process.env, WS_LAB: NAME },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs a command of the lab to its end and answers what it said. */
async function lab(...args: readonly string[]): Promise<string> {
  const child = start(...args);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`lab ${args.join(" ")} ended with exit code ${code}:\n${said}`);
  return said;
}

/** The project's commands as README.md has them, for this lab. */
async function make(...words: readonly string[]): Promise<string> {
  const env = { ...process.env, WS_LAB: NAME };
  return (await run(["make", "--no-print-directory", ...words], { cwd: ROOT, env, timeoutMs: 600_000 })).stdout;
}

/** The names that README.md has for what an operator looks at. */
async function opensSessions(): Promise<void> {
  expect(await make("ssh", "ARGS=workstation status")).toContain("emo");
  expect(await make("kubectl", "ARGS=get namespaces")).toMatch(/^kube-system +Active/m);
  const env = { ...process.env, WS_LAB: NAME };
  const login = await run(["sh", "-c", "echo 'id -un; pwd; exit 3' | make -s login WHO=emo"], {
    cwd: ROOT,
    env,
    accept: [2],
  });
  expect(login.stdout).toContain("emo\n/home/emo\n");
  expect(login.stderr).toContain("Error 3");
}

/** The block of README.md, and settings as docs/configuration.md sets them, on a copy of the stack's file. */
async function saysWhatThePagesSay(): Promise<void> {
  expect(await make("status")).toMatch(/^The lab "g-[^"]+" is up at .*\n {2}\S+ +runs as process \d+/);
  const steps = stepsOf(await readFile(join(ROOT, "README.md"), "utf8"));
  const [block] = steps.flatMap((step) =>
    step.kind === "run" && step.script.includes("make -s env") ? [step.script] : [],
  );
  const settings = ["--path 'confirmLeave[0]' bob", "removalLimit 2", "--path 'hosts[0].port' 2222"];
  const file = join(DIR, "copy.yaml");
  const more = [
    `cp "$WS_LAB_CONFIG" ${file}`,
    ...settings.map((words) => `pulumi config set ${words} --stack lab --config-file ${file}`),
    `grep -A1 -e confirmLeave -e removalLimit -e 'port:' ${file}`,
    `pulumi up --yes --skip-preview --stack lab --config-file "$WS_LAB_CONFIG" --replace "$(pulumi stack --show-urns --stack lab | grep -o 'urn:[^ ]*::devvm-agent$')"`,
  ];
  const env = { ...process.env, WS_LAB: NAME };
  const script = ["exec 2>&1", block ?? "false", ...more].join("\n");
  const { stdout } = await run(["bash", "-euo", "pipefail", "-c", script], { cwd: ROOT, env, timeoutMs: 300_000 });
  for (const words of [
    "Nothing would change for anybody.",
    "Everything is as decided.",
    "- bob",
    "removalLimit: ",
    "port: 2222",
  ])
    expect(stdout).toContain(words);
  expect(stdout).toMatch(/1 replaced/);
}

/** Pods with an own network, a volume in memory and a log: what a node leaves behind if nobody cleans up. */
async function runPods(): Promise<void> {
  const instance = await findInstance(NAME);
  if (instance === undefined) throw new Error("the lab is not up");
  const { kubectl, adminKubeconfig } = await clusterFact.read(instance);
  const call = (...args: readonly string[]) =>
    run([kubectl, "--kubeconfig", adminKubeconfig, ...args], { timeoutMs: 90_000 });
  await call("create", "deployment", "web", `--image=${NGINX_IMAGE}`, "--replicas=2");
  await call("rollout", "status", "deployment/web", "--timeout=60s");
}

async function untilThere(path: string): Promise<void> {
  const there = () =>
    access(path).then(
      () => true,
      () => false,
    );
  for (let tries = 0; !(await there()); tries++) {
    if (tries > 6_000) throw new Error(`${path} did not appear`);
    await sleep(20);
  }
}

/**
 * What a guest may change on the machine. Other labs may run beside this one: what carries their names is left out, and so
 * are processes that somebody who was here before started since.
 */
async function machine() {
  const lines = async (...argv: [string, ...string[]]) =>
    (await run(argv)).stdout.split("\n").filter(notAnotherLabs).sort();
  const processes = await allProcesses();
  return {
    daemons: await daemons(processes),
    mounts: (await readFile("/proc/self/mounts", "utf8")).split("\n").filter(notAnotherLabs).sort(),
    interfaces: (await readdir("/sys/class/net")).filter(notAnotherLabs).sort(),
    routes: await lines("ip", "route", "show", "table", "all"),
    rules: (await run(["nft", "list", "ruleset"])).stdout,
    kernel: await lines(
      "sysctl",
      "vm.overcommit_memory",
      "vm.panic_on_oom",
      "kernel.panic",
      "kernel.panic_on_oops",
      "net.ipv4.ip_forward",
    ),
    cgroups: (await lines("find", "/sys/fs/cgroup", "-mindepth", "1", "-maxdepth", "2", "-type", "d")).filter(
      notAnotherLabs,
    ),
    run: (await readdir("/run")).sort(),
    varLib: (await readdir("/var/lib")).sort(),
    opt: (await readdir("/opt")).sort(),
    etc: await lines("find", "/etc", "-printf", "%p %m %u %s %T@ %l\n"),
    home: await lines(
      "find",
      homedir(),
      "-maxdepth",
      "3",
      "-not",
      "-path",
      "*/.cache/*",
      "-not",
      "-path",
      "*/.npm/*",
      "-printf",
      "%p %m %u\n",
    ),
  };
}

const notAnotherLabs = (line: string): boolean =>
  line.includes(`ws-${NAME}`) || line.includes(DIR) || !/\bws-|\bve-|workstations-lab\//.test(line);

/** Programs that nobody who is still there has started, other labs' left out. */
async function daemons(processes: Awaited<ReturnType<typeof allProcesses>>): Promise<string[]> {
  const found: string[] = [];
  for (const { pid, parent, zombie } of processes) {
    const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
    if (parent !== 1 || zombie || command === "") continue;
    const owner = (await environmentOf(pid)).get("WORKSTATIONS_LAB");
    if (owner === undefined || owner === DIR) found.push(command);
  }
  return found.sort();
}
