/** Puts the plugins that the program asks for into a lab's own PULUMI_HOME: the official ones where they are at hand. */
import { constants } from "node:fs";
import { access, chmod, copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { shellQuoted } from "../../clients/shell-quote.ts";
import { toolPath } from "../toolchain/index.ts";
import { TOOL_NAMES } from "../toolchain/tools.ts";
import { bundlePlugin } from "./bundle.ts";
import type { PluginKind } from "./kind.ts";

/** A plugin as the engine asks for it. */
export interface WantedPlugin {
  readonly name: string;
  /** Without a leading `v`. */
  readonly version: string;
}

/** What was put in place for it. */
export interface InstalledPlugin extends WantedPlugin {
  readonly kind: "official" | "emulated";
  /** The official binary, or the launcher of the emulated plugin. */
  readonly path: string;
}

/**
 * Installs each wanted plugin at `plugins/resource-<name>-v<version>/` of `pulumiHome`, which must be the lab's own.
 * An official `pulumi-resource-<name>` is linked when it lies in a directory of `WS_LAB_PLUGINS`, in the user's own
 * plugins under this very version, or on the PATH, or for the kind `official` where the lab can build it, which takes
 * long once; otherwise our emulated one is bundled into one file. Repeatable.
 * Throws for a plugin that is neither at hand nor stood in for.
 */
export async function installStandIns(
  pulumiHome: string,
  wanted: readonly WantedPlugin[],
  kind: PluginKind,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly InstalledPlugin[]> {
  return Promise.all(wanted.map((plugin) => install(pulumiHome, plugin, kind, env)));
}

/** The versions that the program's packages ask for, from `package.json`. */
export async function wantedPlugins(names: readonly string[]): Promise<readonly WantedPlugin[]> {
  const manifest: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  const dependencies = (manifest as { readonly dependencies: Readonly<Record<string, string>> }).dependencies;
  return names.map((name) => {
    const version = dependencies[`@pulumi/${name}`];
    if (version === undefined)
      throw new Error(`package.json has no dependency @pulumi/${name}: no version to stand in for`);
    return { name, version };
  });
}

async function install(
  pulumiHome: string,
  plugin: WantedPlugin,
  kind: PluginKind,
  env: NodeJS.ProcessEnv,
): Promise<InstalledPlugin> {
  const folder = join(pulumiHome, "plugins", `resource-${plugin.name}-v${plugin.version}`);
  const path = join(folder, `pulumi-resource-${plugin.name}`);
  const official = await findOfficial(pulumiHome, plugin, kind, env);
  await mkdir(folder, { recursive: true });
  if (official !== undefined) {
    await replace(path, (beside) => symlink(official, beside));
    return { ...plugin, kind: "official", path: official };
  }
  await requireEmulated(plugin);
  const bundle = await bundlePlugin(plugin.name);
  await replace(join(folder, BUNDLE), (beside) => copyFile(bundle, beside));
  await replace(path, async (beside) => {
    await writeFile(beside, launcher(plugin, join(folder, BUNDLE)));
    await chmod(beside, 0o755);
  });
  return { ...plugin, kind: "emulated", path };
}

async function requireEmulated({ name }: WantedPlugin): Promise<void> {
  const entry = fileURLToPath(new URL(`./${name}/main.ts`, import.meta.url));
  if (await may(constants.R_OK, entry)) return;
  throw new Error(
    `there is no emulated plugin for "${name}", and the official pulumi-resource-${name} was not found; ` +
      "put it on the PATH, or name its folder in WS_LAB_PLUGINS",
  );
}

async function findOfficial(
  pulumiHome: string,
  { name, version }: WantedPlugin,
  kind: PluginKind,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const file = `pulumi-resource-${name}`;
  const folders = [
    ...(env.WS_LAB_PLUGINS ?? "").split(delimiter),
    join(env.HOME ?? homedir(), ".pulumi", "plugins", `resource-${name}-v${version}`),
    ...(env.PATH ?? "").split(delimiter),
  ].filter((folder) => folder !== "" && !folder.startsWith(pulumiHome));
  for (const folder of folders) {
    const candidate = join(folder, file);
    if (await may(constants.X_OK, candidate)) return candidate;
  }
  const tool = TOOL_NAMES.find((one) => one === `plugin-${name}`);
  return kind === "official" && tool !== undefined ? join(await toolPath(tool), file) : undefined;
}

/** Whether this process may do that with the file. */
async function may(mode: number, path: string): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

/** `exec` keeps the process the engine's own child, so that the engine's end is noticed. */
const launcher = ({ version }: WantedPlugin, script: string): string =>
  [
    "#!/bin/sh",
    `export WS_STANDIN_VERSION=${shellQuoted(version)}`,
    `exec ${shellQuoted(process.execPath)} ${shellQuoted(script)} "$@"`,
    "",
  ].join("\n");

async function replace(path: string, make: (beside: string) => Promise<void>): Promise<void> {
  const beside = join(dirname(path), `.new-${process.pid}-${path.length}`);
  await rm(beside, { force: true });
  await make(beside);
  await rename(beside, path);
}

const BUNDLE = "emulated.cjs";
