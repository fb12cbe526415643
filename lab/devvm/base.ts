/**
 * Installs the DevVM's Debian once and keeps it in the cache; every DevVM starts as a layer on top and never writes
 * into it.
 */
import { createHash } from "node:crypto";
import { access, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../lock.ts";
import { run } from "../run.ts";
import { duration, progress, log } from "../log.ts";
import { cacheFolder } from "../toolchain/cache.ts";
import { debianMirror } from "./mirror.ts";
import { type DebianBase, preparedBase } from "./packages.ts";

/** The folder of the installed base, made now (about two minutes and 400 MB) if this very list of packages never was. */
export async function baseImage(base: DebianBase): Promise<string> {
  const dir = join(cacheFolder(), "devvm");
  const home = join(dir, keyOf(base, await architecture()));
  if (await isThere(home)) return home;
  // It holds setuid programs that nobody keeps up to date: nobody but root gets to them.
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const onWait = (holder: string) => log(`DevVM: waiting for another run: ${holder}`);
  return withLock(
    join(dir, ".lock"),
    { what: "installing the DevVM's Debian", withinMs: BUILD_MS, onWait },
    async () => {
      if (await isThere(home)) return home;
      const startedMs = Date.now();
      await removeHalfBuilt(dir);
      log(`DevVM: installing Debian (${base.suite}) from this machine's mirror, once`);
      await install(base, `${home}${HALF_BUILT}`);
      await rename(`${home}${HALF_BUILT}`, home);
      log(`DevVM: Debian installed in ${duration(Date.now() - startedMs)}`);
      return home;
    },
  );
}

/** Whether `baseImage` has nothing to install for a lab's first DevVM. */
export const isBaseInstalled = async (): Promise<boolean> =>
  isThere(join(cacheFolder(), "devvm", keyOf(preparedBase(), await architecture())));

async function install({ suite, packages, groups }: DebianBase, root: string): Promise<void> {
  const { url, proxy } = await debianMirror();
  const startedMs = Date.now();
  const timer = setInterval(() => progress(`DevVM: installing, ${duration(Date.now() - startedMs)}`), 1_000);
  try {
    const what = ["--variant=minbase", `--include=${packages.join(",")}`, suite, root, url];
    const env = proxy === undefined ? {} : { http_proxy: proxy };
    await run(["nice", "debootstrap", ...what], { env, timeoutMs: BUILD_MS });
  } finally {
    clearInterval(timer);
  }
  for (const group of groups) await run(["chroot", root, "groupadd", "--system", group]);
  await run(["chroot", root, "apt-get", "clean"]);
  await forgetIdentity(root);
}

/** What every machine has to have of its own is not made here, or all copies would share it. */
async function forgetIdentity(root: string): Promise<void> {
  const keys = (await readdir(join(root, "etc/ssh"))).filter((file) => file.startsWith("ssh_host_"));
  for (const file of [...keys.map((key) => `etc/ssh/${key}`), "var/lib/dbus/machine-id"])
    await rm(join(root, file), { force: true });
  await writeFile(join(root, "etc/machine-id"), "");
  const lists = join(root, "var/lib/apt/lists");
  for (const list of await readdir(lists)) await rm(join(lists, list), { recursive: true });
}

const BUILD_MS = 1_200_000;
const HALF_BUILT = ".installing";

async function removeHalfBuilt(dir: string): Promise<void> {
  const halves = (await readdir(dir)).filter((entry) => entry.endsWith(HALF_BUILT));
  await Promise.all(halves.map((entry) => rm(join(dir, entry), { recursive: true })));
}

const keyOf = ({ suite, packages, groups }: DebianBase, arch: string): string =>
  createHash("sha256")
    .update(JSON.stringify([suite, arch, packages, groups]))
    .digest("hex")
    .slice(0, 16);

const architecture = async (): Promise<string> => (await run(["dpkg", "--print-architecture"])).stdout.trim();

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
