/** An emulated plugin's bundle: made once for each content of the sources, and kept until one of them changes. */

import { mkdir, mkdtemp, readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { bundlePlugin } from "../../lab/plugins/bundle.ts";

let root: string;
const write = async (path: string, content: string) => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "plugin-bundle-"));
  await write("node_modules/.package-lock.json", "{}");
  await write("clients/answer.ts", "export const answer: number = 41;\n");
  await write("providers/main.ts", "export {};\n");
  await write(
    "lab/plugins/vault/main.ts",
    'import { answer } from "../../../clients/answer.ts";\nglobalThis.is = answer;\n',
  );
});

test("a second call with the same sources returns the first one's bundle", async () => {
  const bundle = await bundlePlugin("vault", root);
  const { ino } = await stat(bundle);
  expect(await bundlePlugin("vault", root)).toBe(bundle);
  expect((await stat(bundle)).ino).toBe(ino);
});

test("a changed source and a changed package make another bundle", async () => {
  const first = await bundlePlugin("vault", root);
  await write("clients/answer.ts", "export const answer: number = 42;\n");
  const second = await bundlePlugin("vault", root);
  await write("node_modules/.package-lock.json", "{ }");
  expect(new Set([first, second, await bundlePlugin("vault", root)]).size).toBe(3);
});

test("calls at the same time all get a whole bundle and leave no other file", async () => {
  const bundles = await Promise.all(Array.from({ length: 3 }, () => bundlePlugin("vault", root)));
  expect(new Set(bundles).size).toBe(1);
  expect(await readdir(dirname(bundles[0] ?? ""))).toHaveLength(1);
});

test("a source of a folder whose content is not compared is refused by name", async () => {
  await write("roster/tiers.ts", "export const answer = 1;\n");
  await write(
    "lab/plugins/vault/main.ts",
    'import { answer } from "../../../roster/tiers.ts";\nglobalThis.is = answer;\n',
  );
  await expect(bundlePlugin("vault", root)).rejects.toThrow("roster/tiers.ts is part of the plugin vault");
});
