/** A lab keeps the kind of Kubernetes plugin that it was first started with. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Instance } from "../../lab/instance.ts";
import { keepKind, kindOf } from "../../lab/plugins/kind.ts";

let lab: Instance;

beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), "plugin-kind-"));
  lab = { name: "one", path: (...parts: readonly string[]) => join(dir, ...parts) } as Instance;
});
afterEach(() => vi.unstubAllEnvs());

const asking = (plugins: string) => vi.stubEnv("PLUGINS", plugins);

test.each([
  ["official", "official"],
  ["", "emulated"],
])("a lab that was never started has the kind that PLUGINS=%s asks for", async (plugins, kind) => {
  asking(plugins);
  expect([await kindOf(undefined), await kindOf(lab), await keepKind(lab)]).toEqual([kind, kind, kind]);
});

test("a lab with the official plugin keeps it for a command that does not ask for it", async () => {
  asking("official");
  await keepKind(lab);
  asking("");
  expect([await kindOf(lab), await keepKind(lab), await kindOf(lab)]).toEqual(["official", "official", "official"]);
});

test("a lab with a state of the emulated plugin refuses the official one, and says how to get it", async () => {
  asking("");
  await keepKind(lab);
  asking("official");
  await expect(keepKind(lab)).rejects.toThrow(
    /lab "one" .*WS_LAB=NAME make up PLUGINS=official.*WS_LAB=one .* down --purge/,
  );
  asking("");
  expect(await kindOf(lab)).toBe("emulated");
});

test("a kind that is neither is an error that names the file", async () => {
  await writeFile(lab.path("kubernetes-plugin"), "offical\n");
  await expect(kindOf(lab)).rejects.toThrow(/kubernetes-plugin: it says "offical"; expected "official" or "emulated"/);
});
