/**
 * Opens a stack of a fixture program on the real engine, with a home, backend and passphrase of its own, and with the
 * emulated plugins unless the lab is told to use the official ones.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installStandIns, wantedPlugins } from "../../../lab/plugins/install.ts";
import { askedKind } from "../../../lab/plugins/kind.ts";
import { installLanguageHost } from "../../../lab/pulumi/language-host.ts";
import { openToolchain } from "../../../lab/toolchain/index.ts";

/** What one `pulumi` command did. */
export interface Done {
  readonly code: number;
  readonly output: string;
}

/** One stack of one fixture. */
export interface FixtureStack {
  /** Runs `pulumi` with the wish in the program's environment. */
  readonly pulumi: (args: readonly string[], wish?: object) => Promise<Done>;
  /** The whole state as text, as it lies in the backend. */
  readonly state: () => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** `fixture` is a folder of `test/e2e/fixtures`; one that is named `plugin-<plugin>` names it. `env` is for its program. */
export async function openStack(
  fixture: string,
  env: Readonly<Record<string, string>>,
  plugin = fixture.replace("plugin-", ""),
): Promise<FixtureStack> {
  const folder = await mkdtemp(join(tmpdir(), "ws-plugin-test-"));
  const project = fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url));
  const home = join(folder, "home");
  await installStandIns(home, await wantedPlugins([plugin]), askedKind(), { HOME: folder, PATH: "" });
  await mkdir(join(folder, "state"));
  const engine = await openToolchain(["engine"]).get("engine");
  await installLanguageHost(project, home);
  const path = [engine.dir, process.env.PATH ?? ""].join(":");
  const all = {
    ...{ ...env, PATH: path, HOME: folder, PULUMI_HOME: home, PULUMI_BACKEND_URL: `file://${join(folder, "state")}` },
    ...{ PULUMI_CONFIG_PASSPHRASE: "test", PULUMI_SKIP_UPDATE_CHECK: "1", PULUMI_SKIP_CONFIRMATIONS: "true" },
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  const pulumi = (args: readonly string[], wish: object = {}): Promise<Done> =>
    run("pulumi", [...args, "--non-interactive"], project, { ...all, WISH: JSON.stringify(wish) });
  await pulumi(["stack", "init", "test"]);
  return {
    pulumi: (args, wish) => pulumi([...args, "--stack", "test"], wish),
    state: () => readFile(join(folder, "state", ".pulumi", "stacks", fixture, "test.json"), "utf8"),
    remove: async () => {
      // The engine writes the stack's encryption salt beside the program.
      await rm(join(project, "Pulumi.test.yaml"), { force: true });
      await rm(folder, { recursive: true });
    },
  };
}

function run(file: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Done> {
  return new Promise((resolve) => {
    execFile(file, [...args], { cwd, env, timeout: 240_000, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` }),
    );
  });
}
