/**
 * Opens the mount and cgroup namespace in which the node's programs live. containerd, CNI and the kubelet have paths
 * that cannot be configured (/run/containerd, /var/lib/cni, /var/log/pods) and the kubelet sets kernel values of the
 * whole machine. In the namespace those paths lead below the instance, those values are files, and containers get a
 * cgroup of the instance's name: the host sees none of it, and the pods' mounts vanish with the last process.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../instance.ts";
import { readRecord } from "../process/record.ts";
import { startServer } from "../process/start.ts";
import { cgroupRoots } from "./cgroups.ts";
import { readIfThere } from "../read-optional.ts";

/** Turns an argv into one that runs in the node's namespaces (same process id). */
export type InNodeSpace = (argv: readonly string[]) => readonly string[];

/** Opens the namespace, held by a process that does nothing else, and tells how to get in. */
export async function openNodeSpace(instance: Instance): Promise<InNodeSpace> {
  const dir = instance.path("node");
  for (const part of ["run", "log", "kernel"]) await mkdir(join(dir, part), { recursive: true });
  await prepareCgroups(instance);
  await writeFile(join(dir, "join.sh"), await joinScript(instance));
  await writeFile(join(dir, "mount.sh"), await mountScript(instance, dir));
  await startServer(instance, {
    name: "node-space",
    argv: [
      "sh",
      join(dir, "join.sh"),
      "unshare",
      "--mount",
      "--cgroup",
      "--propagation=private",
      "--",
      "sh",
      join(dir, "mount.sh"),
    ],
    ready: () => isReady(instance),
    withinMs: 10_000,
    stopSignal: "SIGKILL",
  });
  const { pid } = (await readRecord(instance, "node-space")) ?? { pid: 0 };
  const enter = ["nsenter", `--mount=/proc/${pid}/ns/mnt`, `--cgroup=/proc/${pid}/ns/cgroup`, "--"];
  return (argv) => ["sh", join(dir, "join.sh"), ...enter, ...argv];
}

/** The script's last mount shows that all of them are there; asked through the holder, since nobody else sees it. */
async function isReady(instance: Instance): Promise<true | string> {
  const { pid } = (await readRecord(instance, "node-space")) ?? { pid: 0 };
  const mounts = (await readIfThere(`/proc/${pid}/mounts`)) ?? "";
  return mounts.includes(`${LAST_MOUNT} `) || "its mounts are not there yet";
}

const LAST_MOUNT = "node-space-is-ready";

async function mountScript(instance: Instance, dir: string): Promise<string> {
  return `set -eu
mount --bind ${dir}/run /run
mount --bind ${dir}/log /var/log
mkdir -p /run/lab
mount --bind ${instance.dir} /run/lab
mount -t tmpfs -o mode=755 node-space /var/lib
mkdir -p ${instance.dir}
mount --bind /run/lab ${instance.dir}
umount /run/lab
${(await kernelValues(dir)).join("\n")}
${(await cgroupRoots()).map((root) => `mount --bind ${join(root, instance.netns)} ${root}`).join("\n")}
mount -t tmpfs -o size=16k ${LAST_MOUNT} /run/lab
exec sleep infinity
`;
}

/** Puts a program into the instance's cgroups and becomes it. */
async function joinScript(instance: Instance): Promise<string> {
  const joins = (await cgroupRoots()).map((root) => `echo $$ > ${join(root, instance.netns, "cgroup.procs")}`);
  return `set -eu\n${joins.join("\n")}\nexec "$@"\n`;
}

/** containerd puts containers right below the cgroup root; in here that root is the instance's own group. */
async function prepareCgroups(instance: Instance): Promise<void> {
  for (const root of await cgroupRoots()) {
    const own = join(root, instance.netns);
    await mkdir(own, { recursive: true });
    // A new cpuset admits nothing until it is told what it may use.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const inherited = await readIfThere(join(root, file));
      if (inherited?.trim()) await writeFile(join(own, file), inherited);
    }
  }
}

/** What the kubelet would write to the machine's kernel and reads back: it finds a file that says so already. */
async function kernelValues(dir: string): Promise<string[]> {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(WANTED_BY_KUBELET)) {
    const path = `/proc/sys/${name}`;
    if ((await readFile(path, "utf8")).trim() === value) continue;
    const stand = join(dir, "kernel", name.replaceAll("/", "."));
    await writeFile(stand, `${value}\n`);
    lines.push(`mount --bind ${stand} ${path}`);
  }
  return lines;
}

const WANTED_BY_KUBELET: Readonly<Record<string, string>> = {
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
};
