/** What the engine runs: the program's sources in one compiled file, with the SDK's packages beside it. */

import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { bundle, compile } from "../../launcher/compile.ts";
import { files, ROOT, text } from "../house/sources.ts";

test("the engine starts the entry point that compiles index.ts, without a loader of its own", () => {
  const { main, runtime } = parse(text("Pulumi.yaml"));
  expect(main).toBe("program.mjs");
  expect(runtime.options.nodeargs).not.toContain("--import");
  expect(text("program.mjs")).toContain('load("program", "index.ts")');
});

test("the pipelines' steps, and what they start of ./ws, are compiled, too", () => {
  expect(text("ci/main.ts")).toContain('load("ci", "ci/steps.ts")');
  const started = files(/^ci\/.*\.ts$/).filter((path) => /"tsx", "cli\//.test(text(path)));
  expect(started).toEqual([]);
});

test("the SDK stays outside the compiled program, so that there is one of it in the process", async () => {
  const { metafile } = await bundle(ROOT, join(ROOT, "node_modules/.cache/unwritten"), "index.ts");
  const outside = new Set(
    Object.values(metafile.outputs)
      .flatMap((output) => output.imports)
      .flatMap(({ external, path }) => (external === true ? [path] : [])),
  );
  for (const name of ["pulumi", "kubernetes", "command", "vault"]) expect(outside).toContain(`@pulumi/${name}`);
  expect([...outside].filter((path) => /^(zod|yaml)(\/|$)/.test(path))).toEqual([]);
  expect(Object.keys(metafile.inputs).filter((path) => path.startsWith("node_modules/@pulumi/"))).toEqual([]);
});

test("a checkout with the packages of another one compiles nothing into them", async () => {
  const root = mkdtempSync(join(tmpdir(), "launcher-"));
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  expect(await compile(root, "program", "index.ts")).toBeUndefined();
});
