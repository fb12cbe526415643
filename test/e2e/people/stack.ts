/** The whole program against the lab: the real engine, the host, the API server, and a look at what a run has touched. */

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { clusterFact } from "../../../lab/cluster/cluster.ts";
import { type DevVm, findDevVm } from "../../../lab/devvm/index.ts";
import { instanceName, openInstance } from "../../../lab/instance.ts";
import { type Engine, openEngine, STACK } from "../../../lab/pulumi/engine.ts";
import { type Setting, writeStackConfig } from "../../../lab/pulumi/stack-config.ts";
import { type Ran, run } from "../../../lab/run.ts";

/** Rows of a roster, by OS user, as they stand in the file. */
export type Rows = Readonly<Record<string, object>>;

export interface PeopleStack {
  readonly engine: Engine;
  readonly vm: DevVm;
  /** Puts a roster and settings in place without running anything. */
  prepare(rows: Rows | string, settings?: readonly Setting[]): Promise<void>;
  /** Delivers a roster and answers with any exit code. */
  up(rows: Rows | string, settings?: readonly Setting[]): Promise<Ran>;
  /** Arguments of the engine that name the stack and its configuration. */
  readonly target: readonly string[];
  /** What a run could have touched: every file of the host that matters, its units, and the API server's writes. */
  touched(): Promise<Touched>;
  /** The same for one person's home and units alone. */
  touchedOf(osUser: string): Promise<string>;
  /** `kubectl` as the lab's admin. */
  kubectl(args: readonly string[], accept?: readonly number[]): Promise<Ran>;
  /** A script on the host, as root; its trimmed output. */
  sh(script: string): Promise<string>;
}

export interface Touched {
  readonly files: string;
  readonly units: string;
  /** How many writes the program has asked of the API server so far. */
  readonly apiWrites: number;
}

/** The lab as it was before anybody was delivered to it. */
export async function freshStack(): Promise<PeopleStack> {
  const instance = await openInstance(instanceName());
  const vm = await findDevVm(instance);
  const cluster = await clusterFact.read(instance);
  const kubectl: PeopleStack["kubectl"] = (args, accept = [0]) =>
    run([cluster.kubectl, `--kubeconfig=${cluster.adminKubeconfig}`, ...args], { accept, timeoutMs: 120_000 });
  await vm.reset();
  // The hourly run fetches by itself; what these tests compare is what a deployment touches.
  await vm.ssh("mkdir --mode=0700 /var/lib/workstation; echo test > /var/lib/workstation/hold");
  await rm(instance.path("pulumi", "state"), { recursive: true, force: true });
  await kubectl(["delete", OURS, "--selector=app.kubernetes.io/managed-by=workstation", "--ignore-not-found"]);
  const engine = await openEngine(instance);
  const folder = instance.path("people-test");
  await mkdir(folder, { recursive: true });
  const target = ["--stack", STACK, "--config-file", engine.configFile];
  const sh = async (script: string) => (await vm.ssh(script, { timeoutMs: 60_000 })).stdout.trimEnd();
  const prepare: PeopleStack["prepare"] = async (rows, settings = []) => {
    const text = typeof rows === "string" ? rows : stringify({ users: rows });
    await writeFile(`${folder}/roster.yaml`, text);
    const files: readonly Setting[] = [[["roster"], `${folder}/roster.yaml`]];
    await writeStackConfig(instance, engine, [...files, ...settings]);
  };
  return {
    engine,
    vm,
    target,
    kubectl,
    sh,
    prepare,
    async up(rows, settings = []) {
      await prepare(rows, settings);
      return engine.pulumi(["up", "--yes", "--skip-preview", ...target], { accept: ANY_CODE });
    },
    async touched() {
      const audit = (await readFile(cluster.auditLog, "utf8")).split("\n").filter((line) => line !== "");
      return {
        files: await sh(FILES),
        units: await sh(UNITS),
        apiWrites: audit.filter((line) => ENGINE_USER.test(line)).length,
      };
    },
    touchedOf: (osUser) =>
      sh(
        `find /home/${osUser} /etc/t3-serve/${osUser}.env -printf '%p %U %G %m %s %T@ %i\\n' | LC_ALL=C sort; ` +
          `systemctl show -p ActiveEnterTimestampMonotonic,ActiveState t3-serve@${osUser}.service`,
      ),
  };
}

/** The lock files of the stack's backend: who holds it. */
export const locksOf = async (engine: Engine): Promise<readonly string[]> => {
  const folder = `${engine.env.PULUMI_BACKEND_URL?.replace("file://", "")}/.pulumi/locks`;
  return (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".json"));
};

const OURS = ["namespaces", "clusterroles", "clusterrolebindings", "validatingadmissionpolicies"]
  .concat("validatingadmissionpolicybindings")
  .join(",");

const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

/** The program reaches the API server as the lab's admin; controllers and nodes have names of their own. */
const ENGINE_USER = /"username":"(?!system:)[^"]+"/;

const FILES =
  "find /etc /home /usr/lib/workstation /usr/local /var/lib/workstation /var/lib/systemd/linger -xdev " +
  "-printf '%p %U %G %m %n %s %T@ %i %l\\n' 2>/dev/null | LC_ALL=C sort";

const UNITS =
  "systemctl list-units --all --plain --no-legend 't3-serve@*' 'browser-serve@*' 'credential-sync@*.timer' | cut -d' ' -f1 | " +
  "LC_ALL=C sort | xargs -r systemctl show -p Id,ActiveState,UnitFileState,ActiveEnterTimestampMonotonic";
