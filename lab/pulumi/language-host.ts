/**
 * Installs the language host for an engine. The last one that is published as a Go module is older than the engine
 * and takes a project's runtime options as flags, where today's engine sends them in its requests; a launcher bridges
 * that.
 */

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { shellQuoted } from "../../clients/shell-quote.ts";
import { replaceFile } from "../replace-file.ts";
import { openToolchain } from "../toolchain/index.ts";
import { ENGINE_VERSION } from "../toolchain/tools.ts";

/**
 * Puts the launcher among the plugins of a PULUMI_HOME, which is where the engine looks last and without a warning. The
 * vendor's own host lies beside the vendor's engine, and nothing is to be done for it.
 * @param project folder of the `Pulumi.yaml` whose runtime options count
 */
export async function installLanguageHost(project: string, pulumiHome: string): Promise<void> {
  const home = await openToolchain(["language-host"]).get("language-host");
  if (home.origin === "official") return;
  const { runtime } = projectForm.parse(parse(await readFile(join(project, "Pulumi.yaml"), "utf8")));
  const flags = [`-typescript=${runtime.options.typescript}`, `-nodeargs=${runtime.options.nodeargs}`];
  const folder = join(pulumiHome, "plugins", `language-nodejs-${ENGINE_VERSION}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const script = `#!/bin/sh\nexec ${shellQuoted(home.file(PROGRAM))} ${flags.map(shellQuoted).join(" ")} "$@"\n`;
  await replaceFile(join(folder, PROGRAM), script, 0o755);
}

const PROGRAM = "pulumi-language-nodejs";

const projectForm = z.object({
  runtime: z.object({ options: z.object({ typescript: z.boolean(), nodeargs: z.string() }) }),
});
