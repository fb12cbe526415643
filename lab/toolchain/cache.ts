/** Finds the folders of built tools: one folder for each tool and key, complete or absent. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { LabError } from "../lab-error.ts";
import { TOOLS, type Tool } from "./tools.ts";

/** `~/.cache/workstations`, or below `XDG_CACHE_HOME`. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "workstations");

/** The tool's go.mod and go.sum. */
export const moduleOf = (tool: Tool): string => join(import.meta.dirname, "modules", tool);

/** Where this very build of the tool belongs: another pin, flag, package or Go version is another folder. */
export async function homeOf(cache: string, tool: Tool, goVersion: string): Promise<string> {
  const pins = await Promise.all(["go.mod", "go.sum"].map((file) => readFile(join(moduleOf(tool), file), "utf8")));
  const key = createHash("sha256").update(JSON.stringify([pins, TOOLS[tool], goVersion]));
  return join(cache, "toolchain", tool, key.digest("hex").slice(0, 16));
}

/** Removes what killed builds left behind. Only for who holds the builder's lock. */
export async function removeHalfBuilt(cache: string, tool: Tool): Promise<void> {
  const dir = join(cache, "toolchain", tool);
  await mkdir(dir, { recursive: true });
  const halves = (await readdir(dir)).filter((entry) => entry.endsWith(HALF_BUILT));
  await Promise.all(halves.map((entry) => rm(join(dir, entry), { recursive: true })));
}

export const HALF_BUILT = ".building";

/** Throws `LabError` when the disk has less room than building these takes at the most. */
export async function requireFreeDisk(cache: string, missing: readonly Tool[]): Promise<void> {
  await mkdir(cache, { recursive: true });
  const { bavail, bsize } = await statfs(cache);
  const freeGb = (bavail * bsize) / 1e9;
  const wantedGb = 1 + missing.reduce((sum, tool) => sum + TOOLS[tool].cacheGb, 0);
  if (freeGb >= wantedGb) return;
  throw new LabError(
    `${cache}: ${freeGb.toFixed(1)} GB are free, and building ${missing.join(", ")} may take ${wantedGb} GB: ` +
      "free some space there, or set XDG_CACHE_HOME to a folder on a larger disk, then try again.",
  );
}
