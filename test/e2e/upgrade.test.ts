/** A stack, a host and people of the version before 1.0.0 are taken over by this one; then the former version takes them back. */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { openInstance, instanceName, type Instance } from "../../lab/instance.ts";
import { PROJECT, STACK } from "../../lab/pulumi/engine.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { run } from "../../lab/run.ts";
import { LAB_INGRESS_SECRET } from "../../lab/sign-in/proxy.ts";
import { NOBODY } from "../../roster/object-names.ts";
import { linkPackages } from "./fixtures/link-packages.ts";
import { everybody } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

/** That version's program with its lab, as it was: `tar --list` shows what is in it. */
const BEFORE = new URL("fixtures/before-1.0.0.tar.xz", import.meta.url).pathname;
const DRIVER = new URL("fixtures/deploy-as-before.ts", import.meta.url).pathname;

let instance: Instance;
let stack: PeopleStack;
let settings: readonly Setting[];
let folder: string;

beforeAll(async () => {
  instance = await openInstance(instanceName());
  stack = await freshStack();
  folder = instance.path("before");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run(["tar", "--extract", "--xz", `--file=${BEFORE}`, `--directory=${folder}`]);
  await linkPackages(folder);
  settings = [
    [["devvm", "lobby"], { listen: { address: stack.vm.address, port: 8901 }, origin: "http://127.0.0.1:8901" }],
    [["devvm", "ingressSecret"], LAB_INGRESS_SECRET],
    [["devvm", "contact"], "Ask wizard."],
  ];
  await deployAsBefore();
}, 900_000);

/**
 * In this process' own environment, which says where the built servers and the engine are kept.
 *
 * @throws LabError with what the former version said, where it fails
 */
const deployAsBefore = () => {
  const own = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const env = { ...Object.fromEntries(own), WS_LAB: instance.name };
  return run([process.execPath, "--import", "tsx", DRIVER, folder], { cwd: PROJECT, env, timeoutMs: 600_000 });
};

const as = async (who: string, script: string) => (await stack.vm.ssh(script, { as: who })).stdout.trimEnd();
/** What a takeover must leave as it is: people's work, and every process of theirs. */
const work = async () => ({
  clone: await as("emo", "git -C ~/code log --format=%s -1; cat ~/code/notes"),
  sessions: await as("emo", "tmux list-sessions -F '#{session_name} #{pid}'"),
  processes: await stack.sh("systemctl show -P MainPID t3-serve@emo t3-serve@wizard t3-serve@ancamilea"),
  accounts: await stack.sh("getent passwd emo wizard ancamilea; id -nG wizard"),
});

/** The state as the former version left it, which the way back begins with. */
const exported = () => join(folder, "state.json");

/** A resource, and not one of its properties, in what `--diff` shows. */
const LOST = /^ *[-+]+ ?\S+: \((?:delete|replace|create-replacement|delete-replaced)\)/;

/** What the version before had, and nobody has a right by: the Role is bound no longer, and the component is no object. */
const isUnused = (line: string) =>
  /\brbac\.authorization\.k8s\.io\/v1:Role\b|\bworkstation:cluster:Tenant\b/.test(line);

/** Commands are run again; no object, right or policy of anybody is taken away or made anew. */
const TAKEN = /^ *(?:-|--|\+-) +\S+:\S+ .*(?:delet|replac)/;
const isCommand = (line: string) => line.includes("command:remote:");

test("the first deployment by this version takes nothing from anybody and ends nothing that runs", async () => {
  await as(
    "emo",
    "cd ~/code; git -c user.name=emo -c user.email=emo@x commit -q --allow-empty -m mine; echo draft > notes",
  );
  await as("emo", "tmux -u new-session -d -s work");
  const before = await work();
  await stack.engine.pulumi(["stack", "export", "--file", exported(), "--stack", STACK]);
  await stack.prepare(everybody, settings);
  const preview = await stack.engine.pulumi(["preview", "--diff", ...stack.target]);
  expect(preview.stdout.split("\n").filter((line) => LOST.test(line) && !isCommand(line) && !isUnused(line))).toEqual(
    [],
  );
  const up = await stack.engine.pulumi(["up", "--yes", "--skip-preview", ...stack.target]);
  expect(up.stdout.split("\n").filter((line) => TAKEN.test(line) && !isCommand(line) && !isUnused(line))).toEqual([]);
  expect(await work()).toEqual(before);
}, 600_000);

/** Each RoleBinding of the program in the sample roster's namespace, and who is in it. */
const bindings = async () => {
  const columns = "--output=custom-columns=NAME:.metadata.name,SUBJECTS:.subjects[*].name";
  const { stdout } = await stack.kubectl([
    ...["get", "rolebindings", "--namespace=plotting-book", "--selector=app.kubernetes.io/managed-by=workstation"],
    ...["--no-headers", columns],
  ]);
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/ +/)),
  );
};
const PRESENT = {
  owner: "ancaelena98@lab.example,dashboard-anca",
  "workstation-tenant-deployer": "deployer",
};

test("it empties the bindings that the former version made, and the next deployment deletes those alone", async () => {
  expect(await bindings()).toEqual({ ...PRESENT, dashboard: NOBODY, deployer: NOBODY });
  const output = await stack.engine.pulumi(["stack", "output", "formerBindings", "--json", "--stack", STACK]);
  expect(output.stdout.trim()).toBe("[]");
  const up = await stack.engine.pulumi(["up", "--yes", "--skip-preview", ...stack.target]);
  const taken = up.stdout.split("\n").filter((line) => TAKEN.test(line) && !isCommand(line));
  expect(taken.filter((line) => !/:RoleBinding +tenant-\S+-(?:dashboard|deployer) /.test(line))).toEqual([]);
  expect(await bindings()).toEqual(PRESENT);
}, 600_000);

test("after it the preview is empty, the host has converged, and what was saved before is restored", async () => {
  await stack.engine.pulumi(["preview", "--expect-no-changes", ...stack.target]);
  // `freshStack` holds the hourly run, which would fetch by itself.
  await stack.sh("rm /var/lib/workstation/hold");
  const reconciled = await stack.vm.ssh("workstation reconcile", { timeoutMs: 120_000 });
  expect([reconciled.stdout.trim(), (await stack.vm.ssh("workstation status", { accept: [0, 1] })).code]).toEqual([
    "nothing to change",
    0,
  ]);
  await stack.sh("tmux-persist save; pkill -9 -u emo tmux; sleep 1; tmux-persist restore emo");
  expect(await as("emo", "tmux list-sessions -F '#{session_name}'")).toBe("work");
}, 600_000);

test("the former version takes them back, with the state that was exported before", async () => {
  const now = await work();
  await stack.engine.pulumi(["stack", "import", "--file", exported(), "--stack", STACK]);
  await deployAsBefore();
  expect(await work()).toEqual(now);
  expect((await stack.vm.ssh("workstation reconcile", { timeoutMs: 120_000, accept: [0, 1, 2] })).code).toBe(0);
}, 600_000);
