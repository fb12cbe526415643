/** How the provider plugins start: compiled once, since the engine starts each of them anew for every command. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundle } from "../../launcher/compile.ts";
import { ROOT } from "../house/sources.ts";

const PLUGINS = [
  ["forgejo", "forgejo"],
  ["vaultpeople", "vaultpeople"],
  ["delegated-rights", "plantedrights"],
] as const;

/** Starts it as the engine does, from another folder, and ends it once it has said its port. */
async function started(folder: string, name: string) {
  const child = spawn(join(ROOT, "providers", folder, `pulumi-resource-${name}`), ["127.0.0.1:1"], { cwd: "/" });
  let said = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    said += chunk;
    if (said.includes("\n")) break;
  }
  // Fields 14 and 15 of stat count its processor time in hundredths of a second.
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  child.kill("SIGKILL");
  return { port: Number(said), seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}

test.each(PLUGINS)("%s says its port, and a second start takes little processor time", async (folder, name) => {
  await started(folder, name);
  const { port, seconds } = await started(folder, name);
  expect(port).toBeGreaterThan(1023);
  // 0.2 s where it was written; 1.1 s by tsx.
  expect(seconds).toBeLessThan(0.7);
});

test.each(PLUGINS)("%s is one program without any package beside it", async (folder) => {
  const { metafile } = await bundle(ROOT, join(ROOT, "node_modules/.cache/unwritten"), `providers/${folder}/main.ts`);
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const packages = imports.filter(
    ({ external, path }) => external === true && !/^node:|^[a-z_0-9]+(\/promises)?$/.test(path),
  );
  expect(packages).toEqual([]);
});
