/** How the toolchain tells its builds apart and what it refuses; building itself is tried by `make build`. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cacheFolder, homeOf, removeHalfBuilt, requireFreeDisk } from "../../lab/toolchain/cache.ts";
import { goCaches, goVersion } from "../../lab/toolchain/go.ts";
import { officialHome } from "../../lab/toolchain/official.ts";
import { ENGINE_VERSION, programsOf, TOOL_NAMES, TOOLS } from "../../lab/toolchain/tools.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "toolchain-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** A program that says one thing. */
async function program(name: string, says: string): Promise<void> {
  await writeFile(join(dir, name), `#!/bin/sh\necho ${says}\n`);
  await chmod(join(dir, name), 0o755);
}

test("a build is kept under another key when the Go version is another, and under the same when nothing is", async () => {
  const key = await homeOf(dir, "etcd", "go1.26.8");
  expect(await homeOf(dir, "etcd", "go1.26.8")).toBe(key);
  expect(await homeOf(dir, "etcd", "go1.26.9")).not.toBe(key);
});

test("each tool has a key of its own, from pins that are in the project", async () => {
  const keys = await Promise.all(TOOL_NAMES.map((tool) => homeOf(dir, tool, "go1.26.8")));
  expect(new Set(keys).size).toBe(TOOL_NAMES.length);
});

test("programs are named after their package, with its version left out, or as the recipe says", () => {
  expect(programsOf(TOOLS.etcd)).toEqual(["etcd"]);
  expect(programsOf(TOOLS.engine)).toEqual(["pulumi"]);
  expect(programsOf(TOOLS.vault)).toEqual(["vault", "vault-plugin-auth-kubernetes"]);
});

test("the cache follows XDG_CACHE_HOME", () => {
  expect(cacheFolder({ XDG_CACHE_HOME: "/somewhere" })).toBe("/somewhere/workstations");
});

test("what a killed build left behind goes, and what was finished stays", async () => {
  await mkdir(join(dir, "toolchain", "etcd", "abc.building"), { recursive: true });
  await mkdir(join(dir, "toolchain", "etcd", "def"));
  await removeHalfBuilt(dir, "etcd");
  expect(await readdir(join(dir, "toolchain", "etcd"))).toEqual(["def"]);
});

test("a disk without room is refused in one sentence with what is free, what is wanted, and the way out", async () => {
  const huge = Array.from({ length: 100_000 }, () => "kubernetes" as const);
  await expect(requireFreeDisk(dir, huge)).rejects.toThrow(
    /GB are free, and building .* may take 500001 GB: .*XDG_CACHE_HOME/s,
  );
  await expect(requireFreeDisk(dir, [])).resolves.toBeUndefined();
});

test("a machine without Go is told to install it", async () => {
  vi.stubEnv("PATH", dir);
  await expect(goVersion(goCaches(dir))).rejects.toThrow(/no working "go" on the PATH: install Go 1\.26/);
});

test("the vendor's engine is taken where it is the pinned version and its language host is beside it", async () => {
  await program("pulumi", ENGINE_VERSION);
  await program("pulumi-language-nodejs", "");
  vi.stubEnv("PATH", dir);
  expect(await officialHome("engine")).toBe(dir);
  expect(await officialHome("language-host")).toBe(dir);
  expect(await officialHome("etcd")).toBeUndefined();
});

test.each([
  ["is another version", "v3.1.0", true],
  ["lacks its language host", ENGINE_VERSION, false],
])("the vendor's engine is not taken where it %s", async (_, version, complete) => {
  await program("pulumi", version);
  if (complete) await program("pulumi-language-nodejs", "");
  vi.stubEnv("PATH", dir);
  expect(await officialHome("engine")).toBeUndefined();
});
