/** Bundles the agent and the programs that it installs into the one file that is delivered to every host. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, type BuildResult, build, type Plugin } from "esbuild";
import { terminalBrowserFiles } from "../portal/terminal/browser-files.ts";

export interface Bundle {
  /** An ES module for node 18 or newer, without any import but node's own. */
  readonly text: string;
  /** Hexadecimal, of the text's UTF-8 bytes. */
  readonly sha256: string;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Every program that the agent's file holds, and which module imports which in it when it runs. */
export type RuntimeImports = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Bundles the agent. Deterministic: no clock, no absolute path, files in the order of their names. */
export async function bundleAgent(): Promise<Bundle> {
  const text = textOf((await buildPrograms()).agent);
  return { text, sha256: createHash("sha256").update(text).digest("hex") };
}

/**
 * The module graph of each program, as the real build resolves it: type-only imports are not in it. Paths begin at the
 * repository's root.
 */
export async function runtimeImports(): Promise<RuntimeImports> {
  const { agent, carried } = await buildPrograms();
  return new Map([["agent.mjs", agent] as const, ...carried].map(([name, built]) => [name, importsOf(built)]));
}

/** The agent carries the other programs as texts and installs them: each of them runs with other rights than root's. */
async function buildPrograms() {
  // What removes a user ends their processes; it needs nothing else of the agent's files.
  const helper = assetsInside(AGENT_ASSETS, "files", new Map(), /^end-all\.pl$/);
  const page = assetsInside(/[\\/]portal[\\/]page[\\/]assets\.ts$/, "../portal/page/files", terminalBrowserFiles());
  const carried = new Map([
    // A worker starts once per person and run, so it is a small file.
    ["worker.cjs", await bundle({ entryPoints: ["user/main.ts"], format: "cjs" })],
    [
      "gate.cjs",
      await bundle({ entryPoints: ["../portal/code-server-proxy/main.ts"], format: "cjs", plugins: [oneLanguage] }),
    ],
    [
      "lobby.cjs",
      await bundle({ entryPoints: ["../portal/page/main.ts"], format: "cjs", plugins: [page, oneLanguage] }),
    ],
    ["terminal.cjs", await bundle({ entryPoints: ["user/terminal/main.ts"], format: "cjs", plugins: [oneLanguage] })],
    ["remove.mjs", await bundle({ entryPoints: ["removal/main.ts"], format: "esm", plugins: [helper, oneLanguage] })],
  ]);
  const texts = new Map([...carried].map(([name, built]) => [name, textOf(built)]));
  const assets = assetsInside(AGENT_ASSETS, "files", texts);
  const agent = await bundle({ entryPoints: ["main.ts"], format: "esm", plugins: [assets, oneLanguage] });
  return { agent, carried };
}

type Built = BuildResult<{ metafile: true; write: false }>;

function bundle(options: BuildOptions): Promise<Built> {
  return build({
    ...options,
    absWorkingDir: HERE,
    bundle: true,
    metafile: true,
    write: false,
    platform: "node",
    target: "node18",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "silent",
  });
}

const textOf = ({ outputFiles }: Built): string => outputFiles.map((file) => file.text).join("");

const importsOf = ({ metafile }: Built): ReadonlyMap<string, readonly string[]> =>
  new Map(
    Object.entries(metafile.inputs).map(([path, { imports }]) => [
      fromRoot(path),
      imports.filter(({ external }) => external !== true).map((target) => fromRoot(target.path)),
    ]),
  );

const fromRoot = (path: string): string => posix.join("agent", path);

const AGENT_ASSETS = /[\\/]agent[\\/]lib[\\/]assets\.ts$/;

/** Puts a folder's files, and what else was made, in the place of the module that reads them. */
const assetsInside = (
  module: RegExp,
  folder: string,
  made: ReadonlyMap<string, string>,
  wanted: RegExp = /^/,
): Plugin => ({
  name: "assets-inside",
  setup(builder) {
    builder.onLoad({ filter: module }, () => {
      const names = readdirSync(`${HERE}${folder}`)
        .filter((name) => wanted.test(name))
        .sort();
      const texts = names.map((name) => [name, readFileSync(`${HERE}${folder}/${name}`, "utf8")]);
      const contents = `const texts = new Map(${JSON.stringify([...texts, ...made])});
export function asset(name) {
  const text = texts.get(name);
  if (text === undefined) throw new Error("no such asset: " + name);
  return text;
}`;
      return { contents, loader: "js" };
    });
  },
});

/** The schema library brings its messages in fifty languages, half of the bundle; only the default one is used. */
const oneLanguage: Plugin = {
  name: "one-language",
  setup(builder) {
    builder.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export {}",
      loader: "js",
    }));
  },
};
