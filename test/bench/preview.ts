/**
 * What a preview that changes nothing costs: our program against an empty one, and against as many trivial resources.
 * Ratios of one run, so that the machine and its other work fall out. Plugins that do nothing stand for the real ones.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { PASSPHRASE, PROJECT } from "../../lab/pulumi/engine.ts";
import { wantedPlugins } from "../../lab/plugins/install.ts";
import { installLanguageHost } from "../../lab/pulumi/language-host.ts";
import { toolPath } from "../../lab/toolchain/index.ts";
import { type EmptyCluster, emptyCluster } from "./empty-cluster.ts";
import { manyPeople } from "./many-people.ts";
import { type Cost, measure } from "./measure.ts";

/** One line of the result. */
export interface PreviewFigure {
  readonly people: number;
  readonly resources: number;
  readonly ours: Cost;
  readonly floor: Cost;
}

/** Measures and returns the figures, smallest first. @param sizes how many people each */
export async function benchPreviews(sizes: readonly number[], say: (line: string) => void): Promise<PreviewFigure[]> {
  const dir = await mkdtemp(join(tmpdir(), "workstation-bench-"));
  let cluster: EmptyCluster | undefined;
  try {
    const env = await benchEngine(dir);
    cluster = await emptyCluster(dir);
    const { kubeconfig } = cluster;
    const empty = await floorOf(dir, env, 0);
    say(`an empty program: ${figure(empty)}`);
    const figures: PreviewFigure[] = [];
    for (const people of sizes) {
      const { cost: ours, resources } = await previewOfPeople(dir, env, people, kubeconfig);
      const floor = await floorOf(dir, env, resources);
      say(
        `${people} people, ${resources} resources: ${figure(ours)}; ${times(ours.wallMs / empty.wallMs)} an empty program, ` +
          `${times(ours.wallMs / floor.wallMs)} as many trivial resources (${figure(floor)})`,
      );
      figures.push({ people, resources, ours, floor });
    }
    return figures;
  } finally {
    cluster?.close();
    await rm(dir, { recursive: true, force: true });
  }
}

const figure = ({ wallMs, peakMiB }: Cost) => `${(wallMs / 1000).toFixed(2)} s, ${peakMiB.toFixed(0)} MiB`;
const times = (ratio: number) => `${ratio.toFixed(2)} times`;

export type Env = Readonly<Record<string, string>>;

/** An engine of its own, with the plugins' names and versions taken by the one that does nothing. */
export async function benchEngine(dir: string): Promise<Env> {
  const script = join(dir, "null-plugin.mjs");
  await build({
    entryPoints: [join(PROJECT, "test/bench/null-plugin/main.ts")],
    outfile: script,
    ...{ bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "error" },
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  for (const { name, version } of await wantedPlugins(["command", "kubernetes", "vault"])) {
    const folder = join(dir, "home", "plugins", `resource-${name}-v${version}`);
    await mkdir(folder, { recursive: true });
    const launcher = `#!/bin/sh\nexport WS_BENCH_PLUGIN=${name} WS_BENCH_VERSION=${version}\nexec ${process.execPath} ${script} "$@"\n`;
    await writeFile(join(folder, `pulumi-resource-${name}`), launcher, { mode: 0o755 });
  }
  await mkdir(join(dir, "state"));
  await installLanguageHost(PROJECT, join(dir, "home"));
  return {
    PATH: [await toolPath("engine"), process.env.PATH ?? ""].join(":"),
    HOME: dir,
    PULUMI_HOME: join(dir, "home"),
    PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // The state's first making is not measured: no checkpoint after each of thousands of steps.
    PULUMI_EXPERIMENTAL: "1",
    PULUMI_SKIP_CHECKPOINTS: "true",
  };
}

const floorOf = async (dir: string, env: Env, resources: number): Promise<Cost> => {
  const stack = `floor-${resources}`;
  const config = join(dir, `${stack}.yaml`);
  await writeFile(config, `${await salt()}\nconfig:\n  floor:resources: "${resources}"\n`);
  return upThenPreview(join(PROJECT, "test/bench/floor"), env, stack, config);
};

/** Writes the roster, the user map and the configuration of a stack with so many people. @returns the stack and its file */
export async function writePeople(dir: string, people: number, kubeconfig: string) {
  const stack = `people-${people}`;
  const config = join(dir, `${stack}.yaml`);
  const made = manyPeople(people);
  await writeFile(join(dir, "roster.yaml"), made.roster);
  await writeFile(join(dir, "users.json"), made.userMap);
  await writeFile(
    config,
    `${await salt()}\n${made.config(join(dir, "roster.yaml"), join(dir, "users.json"), kubeconfig)}`,
  );
  return { stack, config };
}

async function previewOfPeople(dir: string, env: Env, people: number, kubeconfig: string) {
  const { stack, config } = await writePeople(dir, people, kubeconfig);
  const cost = await upThenPreview(PROJECT, env, stack, config);
  const state = JSON.parse(await readFile(join(dir, "state/.pulumi/stacks/workstation", `${stack}.json`), "utf8")) as {
    checkpoint: { latest: { resources: { type: string }[] } };
  };
  return { cost, resources: state.checkpoint.latest.resources.length };
}

/** Makes the stack's state. @returns `pulumi` on that stack, measured */
export async function deployed(cwd: string, env: Env, stack: string, config: string) {
  const pulumi = (...args: string[]) =>
    measure(["pulumi", ...args, "--stack", stack, "--non-interactive"], { cwd, env });
  await measure(["pulumi", "stack", "init", stack, "--non-interactive"], { cwd, env });
  await rm(join(cwd, `Pulumi.${stack}.yaml`), { force: true });
  await pulumi("up", "--yes", "--skip-preview", "--config-file", config);
  return pulumi;
}

/** The state is made once; then the preview is measured, twice, and the quicker one counts. */
async function upThenPreview(cwd: string, env: Env, stack: string, config: string): Promise<Cost> {
  const pulumi = await deployed(cwd, env, stack, config);
  const runs: Cost[] = [];
  for (let n = 0; n < 2; n++) runs.push(await pulumi("preview", "--expect-no-changes", "--config-file", config));
  return runs.reduce((best, cost) => (cost.wallMs < best.wallMs ? cost : best));
}

/** The line of the lab's stack that goes with its passphrase. */
const salt = async () =>
  /^encryptionsalt:.*$/m.exec(await readFile(join(PROJECT, "Pulumi.lab.yaml"), "utf8"))?.[0] ?? "";
