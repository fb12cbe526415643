/** Opens the engine for the lab: with its own home, backend and passphrase, never the user's. */

import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Instance } from "../instance.ts";
import { type InstalledPlugin, installStandIns, wantedPlugins } from "../plugins/install.ts";
import { kindOf } from "../plugins/kind.ts";
import { BASE_ENV, type Ran, type RunOptions, run } from "../run.ts";
import { toolPath } from "../toolchain/index.ts";
import { installLanguageHost } from "./language-host.ts";

/** The project's folder. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The stack that the lab deploys. */
export const STACK = "lab";

export interface Engine {
  /** What a shell needs to use the lab's engine by hand, from the project's folder. */
  readonly env: Readonly<Record<string, string>>;
  /** Which provider plugins are official and which are emulated. */
  readonly plugins: readonly InstalledPlugin[];
  /** The stack's configuration: `Pulumi.lab.yaml` and what only the running lab knows. */
  readonly configFile: string;
  /** Runs `pulumi` in the project's folder. Throws `LabError` with what the engine said. */
  pulumi(args: readonly string[], options?: RunOptions): Promise<Ran>;
}

/** Prepares the engine of one lab and its stack. Safe to repeat. */
export async function openEngine(instance: Instance): Promise<Engine> {
  const at = (name: string) => instance.path("pulumi", name);
  await Promise.all(["home", "state"].map((name) => mkdir(at(name), { recursive: true, mode: 0o700 })));
  const plugins = await installStandIns(at("home"), await wantedPlugins(PLUGINS), await kindOf(instance));
  await writeFile(at("passphrase"), PASSPHRASE, { mode: 0o600 });
  await installLanguageHost(PROJECT, at("home"));
  const env = {
    PATH: [await toolPath("engine"), NODE_FOLDER, BASE_ENV.PATH].join(":"),
    PULUMI_HOME: at("home"),
    PULUMI_BACKEND_URL: `file://${at("state")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: at("passphrase"),
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  const pulumi: Engine["pulumi"] = (args, options = {}) =>
    run(["pulumi", ...args, "--non-interactive"], {
      cwd: PROJECT,
      timeoutMs: ENGINE_LIMIT_MS,
      ...options,
      env: { ...env, ...options.env },
    });
  await pulumi(["stack", "select", "--create", STACK]);
  return { env, plugins, configFile: at(`Pulumi.${STACK}.yaml`), pulumi };
}

const PLUGINS = ["command", "kubernetes", "vault"];

/** Stands in `Pulumi.lab.yaml` too: the lab guards no secret that outlives it. */
export const PASSPHRASE = "lab";

/** The engine starts the program with the node that runs the lab. */
const NODE_FOLDER = process.execPath.replace(/\/[^/]+$/, "");

const ENGINE_LIMIT_MS = 540_000;
