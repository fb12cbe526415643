/** Runs the step `board`: the offboarding check and the board of everybody, after a deployment. */

import { PROJECT } from "../cli/pulumi.ts";
import { stackOfPipeline } from "./engine.ts";
import { run, WS } from "./run.ts";

const LIMIT_MS = 15 * 60_000;

/** The board's two files, beside the checkout, for a step of the site that takes them to where they are read. */
const FILES = ["--html", "../board.html", "--prometheus", "../board.prom"] as const;

/** @returns 1 where an offboarded person still gets in, or anybody is not as decided; both are looked at in any case */
export async function board(): Promise<number> {
  const probe = await ws("probe");
  const status = await ws("status", ...FILES);
  return probe === 0 && status === 0 ? 0 : 1;
}

/** What the command prints is its own to clean; its columns stay as they are. */
async function ws(...args: readonly string[]): Promise<number> {
  const argv = [...WS, ...args, "--stack", stackOfPipeline()];
  const { code, stdout, stderr } = await run([process.execPath, ...argv], { cwd: PROJECT, timeoutMs: LIMIT_MS });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return code ?? 1;
}
