import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const UNITS = join(PROJECT, "ci/runner/systemd");

const start = (...args: readonly string[]) => {
  const ran = spawnSync(process.execPath, ["--import", "tsx", "ci/runner/main.ts", ...args], {
    cwd: PROJECT,
    encoding: "utf8",
  });
  return { code: ran.status, said: ran.stderr };
};

test("a wrong call says how the runner is started", () => {
  for (const args of [
    [],
    ["--settings", "x", "deploy"],
    ["--settings", "x", "--credentials", "y", "../deploy"],
    ["-x"],
  ])
    expect(start(...args)).toEqual({ code: 2, said: expect.stringContaining("Usage: ci/runner/main.ts") });
});

test("settings that are missing, misspelt or wrong are one sentence each, without a stack trace", () => {
  const folder = mkdtempSync(join(tmpdir(), "runner-command-"));
  const file = join(folder, "deploy.yaml");
  const said = () => start("--settings", file, "--credentials", join(folder, "secret_"), "deploy");
  expect(said()).toEqual({ code: 1, said: expect.stringMatching(/^\S+deploy\.yaml cannot be read \(ENOENT\)/) });
  writeFileSync(file, "forge: ftp://forge.example\nstate: here\nbranche: master\n");
  const { code, said: sentences } = said();
  expect([code, sentences]).toEqual([
    1,
    expect.stringMatching(/cannot be used:\n +forge: must be the forge's address/),
  ]);
  expect(sentences).toMatch(/state: must be an absolute path/);
  expect(sentences).toMatch(/branche/);
  expect(sentences).not.toMatch(/^ +at /m);
  writeFileSync(file, "forge: [");
  expect(said().said).toMatch(/deploy\.yaml is not YAML/);
  rmSync(folder, { recursive: true });
});

test("each timer has its service, each service a pipeline of this repository and nothing of another's credentials", () => {
  const units = readdirSync(UNITS);
  const services = units.filter((unit) => unit.endsWith(".service"));
  expect(units.filter((unit) => unit.endsWith(".timer")).map((unit) => unit.replace(".timer", ".service"))).toEqual(
    services,
  );
  const found = services.map((unit) => {
    const text = readFileSync(join(UNITS, unit), "utf8");
    const field = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
    const [pipeline = ""] = field("ExecStart").split(" ").slice(-1);
    expect(existsSync(join(PROJECT, ".woodpecker", `${pipeline}.yaml`)), pipeline).toBe(true);
    return [pipeline, field("User"), field("LoadCredential")];
  });
  expect(found).toEqual([
    ["daily", "workstation-deploy", "secret:/etc/workstation-runner/deploy"],
    ["deploy", "workstation-deploy", "secret:/etc/workstation-runner/deploy"],
    ["drift", "workstation-deploy", "secret:/etc/workstation-runner/deploy"],
    ["pull-request", "workstation-preview", "secret:/etc/workstation-runner/preview"],
  ]);
});
