/**
 * Compiles a program of this checkout into node_modules/.cache/NAME, with a manifest of the checksums of all files that
 * went into it.
 */

import { createHash, randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildFailure, build, formatMessages, type Loader, type Metafile, type Plugin } from "esbuild";

/**
 * These packages are part of the compiled `./ws`: loading their many small files would take longer than running them. Of
 * the others it loads one when a command needs it. A provider plugin needs all of its few packages, so they are part of it.
 */
const BUNDLED: readonly string[] = ["jsonc-parser", "yaml", "zod"];

/** Files that decide what the compiled program is, besides the modules that it consists of. */
const ALSO_READ = [
  "package.json",
  "tsconfig.json",
  "node_modules/.package-lock.json",
  "launcher/load.mjs",
  "launcher/start.mjs",
  "program.mjs",
  "launcher/compile.ts",
];

/** A folder of an older build may still be in use by a command that loads a part of it later. */
const KEEP_MS = 24 * 60 * 60 * 1000;

/**
 * Compiles a program below `root` and returns the path of its entry point; nothing where the folder cannot be written
 * (a read-only checkout, another user's checkout, a full disk) or is another checkout's, so that the program has to run
 * uncompiled.
 *
 * Every build has a folder of its own and the manifest is replaced in one step, so that commands which start at the
 * same time do not see half a build. Whoever can write that folder can replace the packages next to it, too; it needs
 * no more trust than they do.
 */
export async function compile(root: string, name: string, entry: string): Promise<string | undefined> {
  // Checkouts that share their packages would replace each other's programs for ever.
  if (realpathSync(join(root, "node_modules")) !== join(realpathSync(root), "node_modules")) return undefined;
  const cache = join(root, "node_modules/.cache", name);
  const folder = join(cache, randomUUID());
  const { files, sources } = await bundle(root, folder, entry).catch(async (cause: BuildFailure) => {
    if (cause.errors === undefined) throw cause;
    const lines = await formatMessages(cause.errors, { kind: "error" });
    process.stderr.write(`${name}: the program cannot be compiled\n${lines.join("")}`);
    process.exit(1);
  });
  for (const path of ALSO_READ) sources.set(path, checksumOf(contentOf(join(root, path))));
  const main = join(folder, basename(entry).replace(/\.ts$/, ".js"));
  const manifest = `${JSON.stringify({ root, main, sources: Object.fromEntries(sources) })}\n`;
  try {
    mkdirSync(folder, { recursive: true });
    for (const { path, contents } of files) writeFileSync(path, contents, { flush: true });
    writeFileSync(join(folder, "manifest.json"), manifest, { flush: true });
    renameSync(join(folder, "manifest.json"), join(cache, "manifest.json"));
    removeOldBuilds(cache, folder);
  } catch (cause) {
    if (!UNWRITABLE.has((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
    return undefined;
  }
  return main;
}

/** Codes of a read-only file system, another user's folder, or a full disk. */
const UNWRITABLE: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT"]);

/** The compiled program in memory: its files, the checksum of each file that was read, and esbuild's account of both. */
export async function bundle(
  root: string,
  folder: string,
  entry: string,
): Promise<{
  readonly files: readonly { readonly path: string; readonly contents: Uint8Array }[];
  readonly sources: Map<string, string>;
  readonly metafile: Metafile;
}> {
  const sources = new Map<string, string>();
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const isPlugin = entry.startsWith("providers/");
  const external = isPlugin ? [] : Object.keys(dependencies).filter((name) => !BUNDLED.includes(name));
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: folder,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // The CommonJS form of jsonc-parser asks for its parts by a `require` that no bundler can follow.
    mainFields: ["module", "main"],
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    external: external.flatMap((name) => [name, `${name}/*`]),
    // A CommonJS package in an ES module finds node's own modules by `require`.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    plugins: [recordingPlugin(root, sources)],
    logLevel: "silent",
  });
  return { files: outputFiles, sources, metafile };
}

/** Reads each module once, notes its checksum, and keeps `import.meta.url` the address of the source. */
const recordingPlugin = (root: string, sources: Map<string, string>): Plugin => ({
  name: "recording",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.(ts|[cm]?js|json)$/, namespace: "file" }, ({ path }) => {
      const content = readFileSync(path);
      const name = relative(root, path);
      sources.set(name, checksumOf(content));
      const loader: Loader = path.endsWith(".ts") ? "ts" : path.endsWith(".json") ? "json" : "js";
      if (loader !== "ts") return { contents: content, loader };
      const address = JSON.stringify(pathToFileURL(path).href);
      return { contents: content.toString("utf8").replaceAll("import.meta.url", address), loader };
    });
  },
});

function removeOldBuilds(cache: string, newest: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true && path !== newest && Date.now() - stat.mtimeMs > KEEP_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

const checksumOf = (content: Uint8Array | undefined): string =>
  content === undefined ? "" : createHash("sha256").update(content).digest("hex");

function contentOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}
