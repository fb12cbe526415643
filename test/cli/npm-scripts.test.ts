/** The commands that write generated files anew, run in a copy of the project from which those files were taken away. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { files, ROOT, text } from "../house/sources.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const GENERATED = ["roster.schema.json", "docs/configuration.md", "docs/roster.md", "docs/access-matrix.md"];
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "ws-scripts-"));
  for (const file of files(/^(?!docs\/images\/)/)) cpSync(join(ROOT, file), join(copy, file));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  for (const file of GENERATED) rmSync(join(copy, file));
});
afterAll(() => rmSync(copy, { recursive: true }));

function shell(script: string): void {
  const { PATH, HOME } = process.env;
  execFileSync("sh", ["-euc", script], { cwd: copy, env: { PATH, HOME }, stdio: "pipe" });
}

test("the schema and the reference pages come out as they are committed", () => {
  shell("npm run -s schema && npm run -s docs");
  for (const file of GENERATED.slice(0, 3)) expect(readFileSync(join(copy, file), "utf8")).toBe(text(file));
});

test("the access matrix comes out as it is committed, by the command that stands on it", () => {
  shell("npx vitest run --project unit test/components/cluster/access-matrix.test.ts --update");
  expect(readFileSync(join(copy, "docs/access-matrix.md"), "utf8")).toBe(text("docs/access-matrix.md"));
});
