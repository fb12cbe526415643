/** Bundles the small programs that run elsewhere, each into one file that imports node's own modules alone. */

import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What the injector's pods run. It reaches them in a ConfigMap, so it is kept readable: an operator can look at it. */
export const injectorProgram = (): string => bundled("components/cluster/injector/proxy/main.ts", "esm");

/** What changes a control plane's API server: a CommonJS module, whose export `run` is called on a line that is added. */
export const signInProgram = (): string => bundled("components/cluster/api-server/program/main.ts", "cjs");

/** The same sources, the same bytes: no clock, no path of this machine. For node 18 or newer. */
function bundled(entry: string, format: "esm" | "cjs"): string {
  const built = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format,
    platform: "node",
    target: "node18",
    legalComments: "none",
    logLevel: "silent",
  });
  return built.outputFiles.map((file) => file.text).join("");
}
