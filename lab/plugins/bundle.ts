/** Bundles an emulated plugin into one file, once for each content of the sources that may go into it. */

import { randomUUID } from "node:crypto";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { digestOfSources } from "../../stacks/cached-bundle.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Folders of the modules that a plugin may consist of, besides packages. */
const SOURCES = ["clients/", "lab/plugins/", "providers/"] as const;

/**
 * One file and no loader: the engine starts every plugin anew for each command, and waits for it. Processes that bundle the
 * same plugin at the same time do not disturb each other.
 * @param root the checkout whose sources it is made of
 * @returns the path of the bundle, which later calls with the same sources return again
 */
export async function bundlePlugin(name: string, root: string = ROOT): Promise<string> {
  const folder = join(root, "node_modules/.cache/emulated-plugins");
  const digest = digestOfSources(root, SOURCES);
  if (digest === undefined) throw new Error(`${root} has no installed packages: run npm ci`);
  const bundle = join(folder, `${name}-${digest.slice(0, 16)}.cjs`);
  if (await isThere(bundle)) return bundle;
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`lab/plugins/${name}/main.ts`],
    ...{ bundle: true, platform: "node", target: "node20", format: "cjs", logLevel: "error" },
    ...{ write: false, metafile: true },
    // ssh2 has native parts that it can do without.
    external: ["cpu-features", "*.node"],
  });
  for (const path of Object.keys(metafile.inputs))
    if (!/(^|\/)node_modules\//.test(path) && !SOURCES.some((source) => path.startsWith(source)))
      throw new Error(`${path} is part of the plugin ${name}: name its folder in SOURCES of lab/plugins/bundle.ts`);
  await mkdir(folder, { recursive: true });
  const beside = `${bundle}.${randomUUID()}`;
  for (const { contents } of outputFiles) await writeFile(beside, contents);
  await rename(beside, bundle);
  return bundle;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return false;
      throw cause;
    },
  );
