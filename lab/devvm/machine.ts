/** Boots one DevVM in the instance's namespace: links it up, describes its server, waits until systemd says that all is well. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../instance.ts";
import { LabError } from "../lab-error.ts";
import { allProcesses } from "../process/identity.ts";
import { readRecord } from "../process/record.ts";
import type { ServerSpec } from "../process/server-spec.ts";
import { startServer } from "../process/start.ts";
import { MARK } from "../process/stop.ts";
import { run } from "../run.ts";
import { baseImage } from "./base.ts";
import type { DevVmFacts } from "./facts.ts";
import { keyPair } from "./keys.ts";
import type { MachinePaths } from "./addresses.ts";
import type { DebianBase } from "./packages.ts";
import { removeOtherLayers, seedLayer } from "./seed.ts";
import { ssh } from "./ssh.ts";

/** Brings the machine up, unless it runs as it should already. Throws `ServerFailed` when it does not come up. */
export async function boot(instance: Instance, paths: MachinePaths, base: DebianBase): Promise<DevVmFacts> {
  const debian = await baseImage(base);
  const client = await keyPair(instance, "id_ed25519");
  await mkdir(paths.dir, { recursive: true, mode: 0o700 });
  const host = await keyPair(instance, paths.name, "ssh_host_ed25519_key");
  const facts: DevVmFacts = {
    name: paths.name,
    index: paths.index,
    address: paths.address,
    hostKey: host.publicLine,
    privateKeyPath: client.privatePath,
    knownHostsPath: join(paths.dir, "known_hosts"),
  };
  await writeFile(facts.knownHostsPath, `${paths.address} ${host.publicLine}\n`);
  const layer = await seedLayer(instance, paths, { host, client, hasStubs: base.hasStubs });
  await linkUp(instance, paths);
  await startServer(instance, specOf(instance, paths, [layer, debian], facts));
  await removeOtherLayers(paths, layer);
  return facts;
}

/** Forgets all that the machine ever wrote; it must have been stopped. */
export async function dropWrites(paths: MachinePaths): Promise<void> {
  for (const dir of ["upper", "work"]) await rm(join(paths.dir, dir), { recursive: true, force: true });
}

/** The pid, on the host, of the machine's init. Throws `LabError` when it does not run. */
export async function initPid(instance: Instance, paths: MachinePaths): Promise<number> {
  const launcher = (await readRecord(instance, paths.name))?.pid;
  const all = await allProcesses();
  const childOf = (parent: number | undefined) => all.find((facts) => facts.parent === parent && !facts.zombie)?.pid;
  const init = launcher === undefined ? undefined : childOf(childOf(launcher));
  if (init === undefined) throw new LabError(`${paths.name}: it does not run; start it first.`);
  return init;
}

/**
 * A bridge rather than the bare link: the link goes and comes with each boot, and the address stays. The host's route to the
 * first DevVM is the uplink's; another one's is added, and goes with the uplink.
 */
async function linkUp(instance: Instance, { bridge, linkAddress, range }: MachinePaths): Promise<void> {
  const inside = (...argv: string[]) => run(instance.inside(argv));
  const { stdout } = await inside("ip", "-oneline", "link", "show", "type", "bridge");
  if (!stdout.includes(` ${bridge}: `)) await inside("ip", "link", "add", bridge, "type", "bridge");
  await inside("ip", "address", "replace", `${linkAddress}/30`, "dev", bridge);
  await inside("ip", "link", "set", bridge, "up");
  await run(["ip", "route", "replace", range, "via", instance.address.lab]);
}

function specOf(instance: Instance, paths: MachinePaths, layers: readonly string[], facts: DevVmFacts): ServerSpec {
  const nspawn = [
    ...["--directory=root", `--machine=${paths.machine}`, `--hostname=${paths.name}`],
    ...["--boot", "--kill-signal=SIGRTMIN+4", "--register=no", "--keep-unit", "--console=pipe"],
    ...[`--network-bridge=${paths.bridge}`, "--resolv-conf=off", "--timezone=off", "--link-journal=no"],
    // Its init outlives a systemd-nspawn that is killed, and is then recognised by these.
    ...[`--setenv=${MARK.instance}=${instance.dir}`, `--setenv=${MARK.server}=${paths.name}`],
  ];
  const script = join(import.meta.dirname, "files", "boot.sh");
  return {
    name: paths.name,
    argv: ["unshare", "--mount", "--propagation=private", script, paths.machine, ...layers, "--", ...nspawn],
    cwd: paths.dir,
    // Its own locks on the host outlive it when it is killed; the lab has one lock a server already.
    env: { SYSTEMD_NSPAWN_LOCK: "0" },
    ready: () => isRunning(facts),
    withinMs: 60_000,
    stopWithinMs: 30_000,
  };
}

async function isRunning(facts: DevVmFacts): Promise<true | string> {
  const { code, stdout, stderr } = await ssh(
    facts,
    // A look that arrives while the machine comes up may itself be what failed: its own session's user manager.
    "systemctl reset-failed user@0.service 2>/dev/null; systemctl is-system-running; systemctl list-units --failed --plain --no-legend",
    { timeoutMs: 10_000, accept: [0, 255] },
  );
  if (code === 255) return `no SSH yet: ${stderr.trim()}`;
  return stdout.trim() === "running" || `systemd says: ${stdout.trim().replaceAll("\n", ", ")}`;
}
