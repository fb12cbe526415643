/** Bundles what the terminal's page loads, the terminal library included, into one script and one style sheet. */

import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Name of the file to its text. The same sources, the same bytes: no clock, no path of this machine. */
export function terminalBrowserFiles(): ReadonlyMap<string, string> {
  const { outputFiles } = buildSync({
    absWorkingDir: HERE,
    entryPoints: { terminal: "browser/main.js" },
    outdir: ".",
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    // The first of each that knows constructed style sheets, which the page's policy needs.
    target: ["chrome108", "firefox101", "safari16.4"],
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
  });
  return new Map(outputFiles.map(({ path, text }) => [path.slice(path.lastIndexOf("/") + 1), text]));
}
