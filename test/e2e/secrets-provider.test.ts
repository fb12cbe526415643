/** What the stack's secrets are encrypted with: a passphrase, or a key that Vault keeps and never hands out. Needs root. */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installLanguageHost } from "../../lab/pulumi/language-host.ts";
import { BASE_ENV, type Ran, run } from "../../lab/run.ts";
import { openToolchain, toolPath } from "../../lab/toolchain/index.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { stepsOf } from "./fixtures/runbook.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";

const CANARY = "canary-of-the-secrets-provider";
const PASSPHRASE = "first passphrase of this test";
const VAULT_KEY = "hashivault://workstation-stack";

let world: VaultWorld;
let folder: string;
/** Of the engine; the passphrase and Vault's token come in per call. */
let base: Readonly<Record<string, string>>;
let vaultEnv: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await openVaultWorld();
  folder = world.lab.path("secrets-provider");
  await rm(folder, { recursive: true, force: true });
  for (const name of ["home", "state", "project"]) await mkdir(`${folder}/${name}`, { recursive: true, mode: 0o700 });
  const main = fileURLToPath(new URL("fixtures/secrets-provider/program.ts", import.meta.url));
  const runtime = { name: "nodejs", options: { typescript: false, nodeargs: "--import tsx" } };
  await writeFile(`${folder}/project/Pulumi.yaml`, JSON.stringify({ name: "secrets", runtime, main }));
  const { dir } = await openToolchain(["engine", "language-host"]).get("engine");
  await installLanguageHost(`${folder}/project`, `${folder}/home`);
  const node = process.execPath.replace(/\/[^/]+$/, "");
  base = {
    PATH: [dir, node, BASE_ENV.PATH].join(":"),
    PULUMI_HOME: `${folder}/home`,
    PULUMI_BACKEND_URL: `file://${folder}/state`,
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  vaultEnv = await transit();
});
afterAll(() => rm(folder, { recursive: true }));

/** The key, and a token that may encrypt and decrypt with it and nothing else: what docs/security.md tells operators to make. */
async function transit(): Promise<Readonly<Record<string, string>>> {
  const { vault, program } = world;
  // Of an earlier run: whatever it encrypted is gone with its folder.
  await vault.ask("DELETE", "sys/mounts/transit");
  const page = stepsOf(await readFile(new URL("../../docs/security.md", import.meta.url), "utf8"));
  const lines = page.flatMap((step) => (step.kind === "run" ? step.script.split("\n") : []));
  await vaultCommands(lines.filter((line) => line.startsWith("vault ")));
  const may = ["encrypt", "decrypt"].map(
    (verb) => `path "transit/${verb}/workstation-stack" { capabilities = ["update"] }`,
  );
  await vault.must("PUT", "sys/policies/acl/workstation-stack-key", { policy: may.join("\n") });
  const made = await vault.must("POST", "auth/token/create", { policies: ["workstation-stack-key"], ttl: "1h" });
  const token = (made as { readonly auth: { readonly client_token: string } }).auth.client_token;
  const { address, caCertFile } = program.settings;
  return { VAULT_SERVER_URL: address, VAULT_SERVER_TOKEN: token, VAULT_CACERT: caCertFile };
}

/** In a shell with Vault's own command and the rights of its administrator. */
async function vaultCommands(lines: readonly string[]): Promise<void> {
  expect(lines.length).toBeGreaterThan(0);
  const { address, caFile, rootToken } = await vaultFact.read(world.lab);
  await run(["sh", "-euc", lines.join("\n")], {
    env: {
      ...{ PATH: `${await toolPath("vault")}:${BASE_ENV.PATH}`, HOME: folder },
      ...{ VAULT_ADDR: address, VAULT_CACERT: caFile, VAULT_TOKEN: rootToken },
    },
  });
}

const pulumi = (args: readonly string[], env: Readonly<Record<string, string>>, input?: string): Promise<Ran> =>
  run(["pulumi", ...args, "--non-interactive", "--color=never"], {
    ...{ cwd: `${folder}/project`, env: { ...base, ...env }, timeoutMs: 120_000, accept: [0, 1, 255] },
    ...(input === undefined ? {} : { input }),
  });

/** Everything that lies on the disk of one stack, as whoever finds the backup sees it. */
const onDisk = async (stack: string) =>
  (await readFile(`${folder}/state/.pulumi/stacks/secrets/${stack}.json`, "utf8")) +
  (await readFile(`${folder}/project/Pulumi.${stack}.yaml`, "utf8"));

async function keepsItsSecret(stack: string, env: Readonly<Record<string, string>>): Promise<void> {
  const at = ["--stack", stack];
  expect((await pulumi(["config", "set", "--secret", "kept", ...at], env, CANARY)).code).toBe(0);
  const up = await pulumi(["up", "--yes", "--skip-preview", ...at], env);
  expect(`${up.code} ${up.stdout}${up.stderr}`).toMatch(/^0 /);
  expect((await pulumi(["stack", "output", "kept", "--show-secrets", ...at], env)).stdout.trim()).toBe(CANARY);
  const seen = `${await onDisk(stack)}${up.stdout}${up.stderr}`;
  expect(seen).not.toContain(CANARY);
  expect(seen).not.toContain(Buffer.from(CANARY).toString("base64"));
}

const passphrase = (text: string) => ({ PULUMI_CONFIG_PASSPHRASE: text });

test("with a passphrase, the state and the configuration hold nothing in the clear, and another passphrase opens nothing", async () => {
  expect((await pulumi(["stack", "init", "words"], passphrase(PASSPHRASE))).code).toBe(0);
  await keepsItsSecret("words", passphrase(PASSPHRASE));
  const wrong = await pulumi(["stack", "output", "--show-secrets", "--stack", "words"], passphrase("another"));
  expect(wrong.code).not.toBe(0);
  expect(`${wrong.stdout}${wrong.stderr}`).toMatch(/incorrect passphrase/);
  expect(await onDisk("words")).not.toContain(PASSPHRASE);
});

test("with a key of Vault's transit engine, a token that may use it opens the stack, and no other", async () => {
  const init = await pulumi(["stack", "init", "transit", `--secrets-provider=${VAULT_KEY}`], vaultEnv);
  expect(`${init.code} ${init.stderr}`).toMatch(/^0 /);
  await keepsItsSecret("transit", vaultEnv);
  expect(await onDisk("transit")).toContain(VAULT_KEY);
  expect(await onDisk("transit")).not.toContain(vaultEnv.VAULT_SERVER_TOKEN);
  const other = { ...vaultEnv, VAULT_SERVER_TOKEN: world.program.token };
  const refused = await pulumi(["stack", "output", "kept", "--show-secrets", "--stack", "transit"], other);
  expect(refused.code).not.toBe(0);
  expect(`${refused.stdout}${refused.stderr}`).toMatch(/permission denied/);
  expect(`${refused.stdout}${refused.stderr}`).not.toContain(world.program.token);
});

test("the provider can be changed with everything kept: passphrase to Vault, to another passphrase, and the first one is dead", async () => {
  const both = { ...vaultEnv, ...passphrase(PASSPHRASE) };
  const at = ["--stack", "words"];
  expect((await pulumi(["stack", "change-secrets-provider", VAULT_KEY, ...at], both)).code).toBe(0);
  expect((await pulumi(["stack", "output", "kept", "--show-secrets", ...at], vaultEnv)).stdout.trim()).toBe(CANARY);
  const back = await pulumi(["stack", "change-secrets-provider", "passphrase", ...at], {
    ...vaultEnv,
    ...passphrase("second"),
  });
  expect(`${back.code} ${back.stderr}`).toMatch(/^0 /);
  expect((await pulumi(["config", "get", "kept", ...at], passphrase("second"))).stdout.trim()).toBe(CANARY);
  expect((await pulumi(["config", "get", "kept", ...at], passphrase(PASSPHRASE))).code).not.toBe(0);
});

test("a rotated key of Vault's still opens what was written before, and writes with the new version", async () => {
  await vaultCommands(["vault write -f transit/keys/workstation-stack/rotate"]);
  const at = ["--stack", "transit"];
  expect((await pulumi(["stack", "output", "kept", "--show-secrets", ...at], vaultEnv)).stdout.trim()).toBe(CANARY);
  expect((await pulumi(["stack", "change-secrets-provider", VAULT_KEY, ...at], vaultEnv)).code).toBe(0);
  // The oldest version may go once everything is written anew: what it alone could open is no longer there.
  await world.vault.must("POST", "transit/keys/workstation-stack/config", { min_decryption_version: 2 });
  expect((await pulumi(["stack", "output", "kept", "--show-secrets", ...at], vaultEnv)).stdout.trim()).toBe(CANARY);
});
