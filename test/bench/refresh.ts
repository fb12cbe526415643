/**
 * Measures what `--refresh` adds to a preview and to a deployment that change nothing. The plugins answer each read at once,
 * so that the engine's share is measured; what the servers need to answer comes on top of it.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import { emptyCluster } from "./empty-cluster.ts";
import { type Cost, measure } from "./measure.ts";
import { benchEngine, deployed, writePeople } from "./preview.ts";

const RUNS = {
  preview: ["preview", "--expect-no-changes"],
  "preview --refresh": ["preview", "--expect-no-changes", "--refresh"],
  up: ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  "up --refresh": ["up", "--yes", "--skip-preview", "--expect-no-changes", "--refresh"],
} as const;

/** @param sizes how many people each */
export async function benchRefresh(sizes: readonly number[], say: (line: string) => void): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "workstation-bench-"));
  const cluster = await emptyCluster(dir);
  try {
    const making = await benchEngine(dir);
    // A deployment that refreshes may write its state after each read: that is part of what it costs.
    const { PULUMI_SKIP_CHECKPOINTS: _, ...env } = making;
    for (const people of sizes) {
      const { stack, config } = await writePeople(dir, people, cluster.kubeconfig);
      await deployed(PROJECT, making, stack, config);
      let first: Cost | undefined;
      for (const [name, args] of Object.entries(RUNS)) {
        const at = ["--stack", stack, "--config-file", config, "--non-interactive"];
        const cost = await measure(["pulumi", ...args, ...at], { cwd: PROJECT, env });
        first ??= cost;
        const { wallMs, cpuMs, peakMiB } = cost;
        say(
          `${people} people, ${name}: ${(wallMs / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of processor time, ` +
            `${peakMiB.toFixed(0)} MiB; ${(cpuMs / first.cpuMs).toFixed(2)} times the preview's processor time`,
        );
      }
    }
  } finally {
    cluster.close();
    await rm(dir, { recursive: true, force: true });
  }
}
