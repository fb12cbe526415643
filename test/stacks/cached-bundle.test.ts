/** The agent's bundle is made anew for each change of a source or a package, and for no other run. */

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { BUNDLED_FOLDERS, cachedBundle } from "../../stacks/cached-bundle.ts";

let root: string;
let made: number;
const write = (path: string, content: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const make = async () => {
  made += 1;
  const text = `bundle ${made}`;
  return { text, sha256: createHash("sha256").update(text).digest("hex") };
};
const textNow = async () => (await cachedBundle(root, make)).text;

beforeEach(() => {
  made = 0;
  root = mkdtempSync(join(tmpdir(), "cached-bundle-"));
  write("node_modules/.package-lock.json", "{}");
  for (const folder of BUNDLED_FOLDERS) write(`${folder}/main.ts`, "export {};\n");
});

test("the bundle is made once for the same sources", async () => {
  expect([await textNow(), await textNow()]).toEqual(["bundle 1", "bundle 1"]);
});

test.each([
  ["a source changes", () => write("portal/main.ts", "export const x = 1;\n")],
  ["a file is added, as to those that the agent carries", () => write("agent/files/new.conf", "x\n")],
  ["a file goes", () => rmSync(join(root, "clients/main.ts"))],
  ["another version of a package is installed", () => write("node_modules/.package-lock.json", '{"x":1}')],
  ["the kept file is cut off", () => write("node_modules/.cache/agent-bundle.json", '{"sources":"')],
  ["the kept file is another program's", () => write("node_modules/.cache/agent-bundle.json", "{}")],
])("it is made anew when %s", async (_, change) => {
  await textNow();
  change();
  expect([await textNow(), await textNow()]).toEqual(["bundle 2", "bundle 2"]);
});

test("a kept text that is not the one of its checksum is not used", async () => {
  const { sha256 } = await cachedBundle(root, make);
  await cachedBundle(root, async () => ({ text: "", sha256 }));
  write("agent/main.ts", "export const x = 1;\n");
  await cachedBundle(root, async () => ({ text: "changed on the disk", sha256 }));
  expect(await textNow()).toBe("bundle 2");
});

test("where no packages are installed nothing is kept", async () => {
  rmSync(join(root, "node_modules"), { recursive: true });
  expect([await textNow(), await textNow(), readdirSync(root)]).toEqual(["bundle 1", "bundle 2", BUNDLED_FOLDERS]);
});
