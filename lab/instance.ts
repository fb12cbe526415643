/**
 * Opens one lab on this machine: its folder, its number, its network namespace and its link to the host. Everything
 * else of the lab is put in these.
 */
import { chmod, mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere } from "./read-optional.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { run } from "./run.ts";

export interface Instance {
  /** What the operator calls it (`WS_LAB`): 1 to 12 letters, digits or dashes, for it is part of interface names. */
  readonly name: string;
  /** 1 to 254, no other instance's; the third number of its addresses. */
  readonly number: number;
  /** Everything of this lab lies below it. Anyone may pass through it, so a secret below it needs a mode of its own. */
  readonly dir: string;
  /** Name of the network namespace, and of the uplink's end on the host. */
  readonly netns: string;
  /** File to hand to `nsenter --net=`. */
  readonly netnsPath: string;
  readonly address: Addresses;
  /** A path below the folder. */
  path(...parts: readonly string[]): string;
  /** The argv that runs a command inside the network namespace (same process id: nothing is forked). */
  inside(argv: readonly string[]): [string, ...string[]];
}

/** IPv4 addresses without a mask, unless the name says `Range`. */
export interface Addresses {
  /** The host's end of the uplink. */
  readonly host: string;
  /** The lab's end: API server, forge and Vault listen here. */
  readonly lab: string;
  /** The lab's end of the DevVM's link. */
  readonly devvmLink: string;
  readonly devvm: string;
  /** Both links, each a /30 in it: .0 the uplink, .4 the DevVM's. */
  readonly labRange: string;
  readonly podRange: string;
  readonly serviceRange: string;
}

/** The instance that `WS_LAB` names, `lab` where it is not set. */
export const instanceName = (env: NodeJS.ProcessEnv = process.env): string => env.WS_LAB || "lab";

/** The instance as a value; nothing is made. Nothing is returned where no folder of that name exists. */
export async function findInstance(name: string): Promise<Instance | undefined> {
  const number = await numberOf(checkName(name));
  return number === undefined ? undefined : instanceOf(name, number);
}

/** The instance that `WS_LAB` names. Throws `LabError` where no folder of that name exists. */
export async function requireInstance(): Promise<Instance> {
  const name = instanceName();
  const instance = await findInstance(name);
  if (instance === undefined) throw new LabError(`There is no lab "${name}" on this machine; bring it up: make up`);
  return instance;
}

/** Makes what is missing of an instance (folder, number, namespace, uplink, forwarding) and returns it. Safe to repeat. */
export async function openInstance(name: string): Promise<Instance> {
  requireRoot();
  checkName(name);
  await mkdir(BASE, { recursive: true, mode: 0o711 });
  return withLock(join(BASE, ".lock"), { what: `opening the lab "${name}"`, withinMs: 60_000 }, async () => {
    const instance = instanceOf(name, (await numberOf(name)) ?? (await claimNumber(name)));
    await makeNamespace(instance);
    await makeUplink(instance);
    return instance;
  });
}

/** Removes the uplink and the network namespace; what runs inside must have ended before. Safe to repeat. */
export async function closeNetwork(instance: Instance): Promise<void> {
  if (await hasLink(instance)) await run(["ip", "link", "delete", instance.netns]);
  if (await isMounted(instance.netnsPath)) await run(["umount", instance.netnsPath]);
  await run(["rm", "-f", instance.netnsPath]);
  // The folder is iproute's too: only an empty one goes.
  if ((await readdirIfThere(NETNS_DIR))?.length === 0 && !(await isMounted(NETNS_DIR))) await rmdir(NETNS_DIR);
}

/** Throws `LabError` unless this process is root: namespaces, mounts and links need it. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new LabError(
    "The lab makes network namespaces and mounts and so needs root: run it again with sudo, or as root.",
  );
}

/** True when something is mounted exactly there. */
export async function isMounted(path: string): Promise<boolean> {
  return (await mountPoints()).includes(path);
}

/** Every mount point of this mount namespace, in the order in which they were mounted. */
export async function mountPoints(): Promise<string[]> {
  const text = (await readIfThere("/proc/self/mountinfo")) ?? "";
  const escaped = (point: string) =>
    point.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
  return text.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined ? [] : [escaped(point)];
  });
}

const BASE = "/var/lib/workstations-lab";
const NETNS_DIR = "/run/netns";
const identity = z.strictObject({ number: z.int().min(1).max(254) });

function instanceOf(name: string, number: number): Instance {
  const dir = join(BASE, name);
  const netns = `ws-${name}`;
  const netnsPath = join(NETNS_DIR, netns);
  const at = (last: number) => `10.213.${number}.${last}`;
  return {
    name,
    number,
    dir,
    netns,
    netnsPath,
    address: {
      host: at(1),
      lab: at(2),
      devvmLink: at(5),
      devvm: at(6),
      labRange: `${at(0)}/24`,
      podRange: "10.214.0.0/16",
      serviceRange: "10.215.0.0/16",
    },
    path: (...parts) => join(dir, ...parts),
    inside: (argv) => ["nsenter", `--net=${netnsPath}`, "--", ...argv],
  };
}

const isName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,11}$/.test(name);

function checkName(name: string): string {
  if (isName(name)) return name;
  throw new LabError(
    `WS_LAB: "${name}" is not a valid name for a lab: use 1 to 12 of a-z, 0-9 and "-", and begin with a letter or digit.`,
  );
}

async function numberOf(name: string): Promise<number | undefined> {
  const text = await readIfThere(join(BASE, name, "instance.json"));
  return text === undefined ? undefined : identity.parse(JSON.parse(text)).number;
}

async function claimNumber(name: string): Promise<number> {
  const taken = new Set(await Promise.all(((await readdirIfThere(BASE)) ?? []).filter(isName).map(numberOf)));
  const free = Array.from({ length: 254 }, (_, index) => index + 1).find((number) => !taken.has(number));
  if (free === undefined)
    throw new LabError(`All 254 labs of this machine are taken; remove one: WS_LAB=<name> make down, below ${BASE}.`);
  // Servers that refuse to be root must be able to reach their own folder, and to list nothing on the way.
  await mkdir(join(BASE, name), { recursive: true });
  await chmod(join(BASE, name), 0o711);
  await writeFile(join(BASE, name, "instance.json"), `${JSON.stringify({ number: free })}\n`, { mode: 0o600 });
  return free;
}

/** Not `ip netns add`: that bind-mounts /run/netns on itself, which would stay behind on the host for good. */
async function makeNamespace(instance: Instance): Promise<void> {
  if (await isMounted(instance.netnsPath)) return;
  await mkdir(NETNS_DIR, { recursive: true });
  await writeFile(instance.netnsPath, "");
  await run(["unshare", `--net=${instance.netnsPath}`, "true"]);
}

async function makeUplink(instance: Instance): Promise<void> {
  const { netns, address, inside } = instance;
  if (!(await hasLink(instance))) {
    await run(["ip", "link", "add", netns, "type", "veth", "peer", "name", UPLINK_INSIDE, "netns", netns]);
  }
  await run(["ip", "address", "replace", `${address.host}/30`, "dev", netns]);
  await run(["ip", "link", "set", netns, "up"]);
  await run(inside(["ip", "link", "set", "lo", "up"]));
  await run(inside(["ip", "address", "replace", `${address.lab}/30`, "dev", UPLINK_INSIDE]));
  await run(inside(["ip", "link", "set", UPLINK_INSIDE, "up"]));
  await run(["ip", "route", "replace", `10.213.${instance.number}.4/30`, "via", address.lab]);
  await run(inside(["sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1"]));
}

const UPLINK_INSIDE = "uplink";

const hasLink = async (instance: Instance): Promise<boolean> =>
  (await readIfThere(`/sys/class/net/${instance.netns}/ifindex`)) !== undefined;

async function readdirIfThere(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
