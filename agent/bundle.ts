/** Makes the one file that is delivered to every host: the same source, the same bytes. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

export interface Bundle {
  /** An ES module for node 18 or newer, without any import but node's own. */
  readonly text: string;
  /** Hexadecimal, of the text's UTF-8 bytes. */
  readonly sha256: string;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Bundles the agent. Deterministic: no clock, no absolute path, files in the order of their names. */
export async function bundleAgent(): Promise<Bundle> {
  // A worker starts once a person and run, so it is a small file of its own, which the agent carries and installs.
  const worker = await textOf({ entryPoints: ["user/main.ts"], format: "cjs" });
  // The gate and the page run as accounts of their own; the agent only carries and installs them.
  const gate = await textOf({ entryPoints: ["../lobby/gate/main.ts"], format: "cjs", plugins: [oneLanguage] });
  const page = assetsInside(/[\\/]lobby[\\/]page[\\/]assets\.ts$/, "../lobby/page/files", new Map());
  const lobby = await textOf({ entryPoints: ["../lobby/page/main.ts"], format: "cjs", plugins: [page, oneLanguage] });
  // Deleting is another program than converging; it never starts by itself.
  const remove = await textOf({ entryPoints: ["removal/main.ts"], format: "esm", plugins: [oneLanguage] });
  const text = await textOf({
    entryPoints: ["main.ts"],
    format: "esm",
    plugins: [
      assetsInside(
        /[\\/]agent[\\/]lib[\\/]assets\.ts$/,
        "files",
        new Map([
          ["worker.cjs", worker],
          ["gate.cjs", gate],
          ["lobby.cjs", lobby],
          ["remove.mjs", remove],
        ]),
      ),
      oneLanguage,
    ],
  });
  return { text, sha256: createHash("sha256").update(text).digest("hex") };
}

async function textOf(options: BuildOptions): Promise<string> {
  const built = await build({
    ...options,
    absWorkingDir: HERE,
    bundle: true,
    write: false,
    platform: "node",
    target: "node18",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "silent",
  });
  return (built.outputFiles ?? []).map((file) => file.text).join("");
}

/** Puts a folder's files, and what else was made, in the place of the module that reads them. */
const assetsInside = (module: RegExp, folder: string, made: ReadonlyMap<string, string>): Plugin => ({
  name: "assets-inside",
  setup(builder) {
    builder.onLoad({ filter: module }, () => {
      const names = readdirSync(`${HERE}${folder}`).sort();
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
