/** Prints the ten longest files of a run at its end, so that what slows it down is seen in every log. */

import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";
import { ROOT } from "../house/sources.ts";

const SHOWN = 10;

export default class LongestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules
      .map((module) => ({ file: relative(ROOT, module.moduleId), seconds: module.diagnostic().duration / 1000 }))
      .sort((one, other) => other.seconds - one.seconds)
      .slice(0, SHOWN);
    process.stdout.write("Longest files, in seconds:\n");
    for (const { file, seconds } of files) process.stdout.write(`${seconds.toFixed(0).padStart(6)}  ${file}\n`);
  }
}
