/** Installs the Debian packages that the lab requires: it names them first, and installs the missing ones only. */
import { access } from "node:fs/promises";
import { requireRoot } from "./instance.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { run } from "./run.ts";
import { duration, log } from "./log.ts";

/** The browser that the tests of the user portal drive; the lab itself does without. */
export const BROWSER: Packages = {
  chromium: "opens the user portal in its tests",
  "fonts-wqy-microhei": "draws the wide characters of the terminals' tests",
};

/** Held while packages are installed: apt refuses to update its lists beside another run of it. */
const LOCK = "/run/workstations-lab-packages.lock";
const LOCK_MS = 1_200_000;

/** Installs what is missing. Throws `LabError` without root or apt, or when a package cannot be had. */
export async function installPackages(wanted: Packages = PACKAGES): Promise<void> {
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return;
  await access("/usr/bin/apt-get").catch(() => {
    throw new LabError(
      `The lab needs ${missing.join(", ")}, and this machine has no apt-get: install them, then try again.`,
    );
  });
  requireRoot();
  await withLock(LOCK, { what: "installing packages", withinMs: LOCK_MS }, () => installMissing(wanted));
}

/** Another run may have installed some of them while this one waited. */
async function installMissing(wanted: Packages): Promise<void> {
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return;
  const startedMs = Date.now();
  log(`To be installed from Debian: ${missing.join(", ")}`);
  await install(missing).catch(async () => {
    log("apt's lists may be old: updating them");
    await run(["apt-get", "update"], { timeoutMs: 300_000 });
    await install(missing);
  });
  await keepServicesDown(missing);
  log(`Installed in ${duration(Date.now() - startedMs)}`);
}

/** Which of the packages this machine lacks. */
export async function missingPackages(wanted: Packages = PACKAGES): Promise<string[]> {
  const names = Object.keys(wanted);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own places, not this language's
  const argv = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", ...names] as const;
  const { stdout } = await run([...argv], { accept: [0, 1] });
  const installed = new Set(
    stdout.split("\n").flatMap((line) => (line.endsWith(" installed") ? [line.split(" ")[0]] : [])),
  );
  return names.filter((name) => !installed.has(name));
}

/** Package: what it is for. */
type Packages = Readonly<Record<string, string>>;

/** What the lab stands on. */
const PACKAGES: Packages = {
  conntrack: "kube-proxy forgets connections of pods that are gone",
  containerd: "runs the node's pods",
  "containernetworking-plugins": "gives pods their addresses",
  debootstrap: "makes the DevVM's file system",
  gcc: "links the servers, and the image that holds a pod's namespaces",
  git: "what people clone with",
  "git-crypt": "locks the secrets of the forge's infra repository",
  iproute2: "namespaces and links",
  "libc6-dev": "for gcc",
  nftables: "kube-proxy's rules, inside the lab's namespace",
  "openssh-client": "reaches the DevVM",
  "openssh-server": "answers the tests of remote commands, on loopback",
  openssl: "the lab's throw-away certificates",
  procps: "sysctl",
  runc: "for containerd",
  shellcheck: "the tests read every shell script with it",
  "systemd-container": "boots the DevVM",
};

const install = (names: readonly string[]) =>
  run(["apt-get", "install", "--yes", "--no-install-recommends", ...names], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
    timeoutMs: 900_000,
  });

/** Services that came with a package would only be in the way, and were not there before. */
async function keepServicesDown(installed: readonly string[]): Promise<void> {
  // Without systemd nothing was started.
  if (!(await runsSystemd())) return;
  for (const [name, service] of [
    ["containerd", "containerd.service"],
    ["openssh-server", "ssh.service"],
  ] as const) {
    if (installed.includes(name)) await run(["systemctl", "disable", "--now", service]);
  }
}

const runsSystemd = (): Promise<boolean> =>
  access("/run/systemd/system").then(
    () => true,
    () => false,
  );
