/** Fills an image's root file system from Debian packages, without installing anything on this machine. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";

/** Downloads these packages, without what they depend on, and unpacks them below `root`. Their scripts do not run. */
export async function unpackPackages(root: string, names: readonly string[]): Promise<void> {
  const dir = `${root}.packages`;
  await mkdir(dir, { recursive: true });
  await run(["apt-get", "download", ...names], { cwd: dir, timeoutMs: 300_000 });
  for (const file of await readdir(dir)) await run(["dpkg-deb", "--extract", join(dir, file), root]);
  for (const useless of ["usr/share/doc", "usr/share/man", "usr/share/locale"]) {
    await rm(join(root, useless), { recursive: true, force: true });
  }
}
