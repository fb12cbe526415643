/**
 * Finds the language host for the engine's PATH. The last one that is published as a Go module is older than the engine
 * and takes a project's runtime options as flags, where today's engine sends them in its requests; a launcher bridges
 * that.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { shellQuoted } from "../../clients/shell-quote.ts";
import { openToolchain } from "../toolchain/index.ts";

/**
 * @param project folder of the `Pulumi.yaml` whose runtime options count
 * @param folder where a launcher may be written
 * @returns the folder to put on the engine's PATH: the vendor's own host where it is installed, else the launcher's
 */
export async function languageHost(project: string, folder: string): Promise<string> {
  const home = await openToolchain(["language-host"]).get("language-host");
  if (home.origin === "official") return home.dir;
  const { runtime } = projectForm.parse(parse(await readFile(join(project, "Pulumi.yaml"), "utf8")));
  const flags = [`-typescript=${runtime.options.typescript}`, `-nodeargs=${runtime.options.nodeargs}`];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const script = `#!/bin/sh\nexec ${shellQuoted(home.file(PROGRAM))} ${flags.map(shellQuoted).join(" ")} "$@"\n`;
  await writeFile(join(folder, PROGRAM), script, { mode: 0o755 });
  return folder;
}

const PROGRAM = "pulumi-language-nodejs";

const projectForm = z.object({
  runtime: z.object({ options: z.object({ typescript: z.boolean(), nodeargs: z.string() }) }),
});
