/** The small programs that run elsewhere, each as one ES module without any import but node's own. */

import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What the injector's pods run. It reaches them in a ConfigMap, so it is kept readable: an operator can look at it. */
export const injectorProgram = (): string => bundled("components/cluster/injector/proxy/main.ts");

/** The same sources, the same bytes: no clock, no path of this machine. For node 18 or newer. */
function bundled(entry: string): string {
  const built = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node18",
    legalComments: "none",
    logLevel: "silent",
  });
  return built.outputFiles.map((file) => file.text).join("");
}
