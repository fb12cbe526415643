/** Makes the one file that is delivered to every host: the same source, the same bytes. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

export interface Bundle {
  /** An ES module for node 18 or newer, without any import but node's own. */
  readonly text: string;
  /** Hexadecimal, of the text's UTF-8 bytes. */
  readonly sha256: string;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Bundles the agent. Deterministic: no clock, no absolute path, files in the order of their names. */
export async function bundleAgent(): Promise<Bundle> {
  const built = await build({
    absWorkingDir: HERE,
    entryPoints: ["main.ts"],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node18",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    plugins: [assetsInside],
    logLevel: "silent",
  });
  const text = built.outputFiles.map((file) => file.text).join("");
  return { text, sha256: createHash("sha256").update(text).digest("hex") };
}

const assetsInside: Plugin = {
  name: "assets-inside",
  setup(builder) {
    builder.onLoad({ filter: /[\\/]agent[\\/]assets\.ts$/ }, () => {
      const names = readdirSync(`${HERE}files`).sort();
      const texts = names.map((name) => [name, readFileSync(`${HERE}files/${name}`, "utf8")]);
      const contents = `const texts = new Map(${JSON.stringify(texts)});
export function asset(name) {
  const text = texts.get(name);
  if (text === undefined) throw new Error("no such asset: " + name);
  return text;
}`;
      return { contents, loader: "js" };
    });
  },
};
