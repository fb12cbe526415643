/** Hands out the lab's tools: from the cache, from the vendor, or built now, one at a time and what is needed first, first. */
import { access, cp, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../lock.ts";
import { run } from "../run.ts";
import { duration, progress, log } from "../log.ts";
import { cacheFolder, HALF_BUILT, homeOf, moduleOf, removeHalfBuilt, requireFreeDisk } from "./cache.ts";
import { dropGoCaches, type GoCaches, goBuild, goCaches, goVersion, moduleFolder } from "./go.ts";
import { officialHome } from "./official.ts";
import { programsOf, STANDARD_TOOLS, type Recipe, type Tool, TOOL_NAMES, TOOLS } from "./tools.ts";

export { LAB_TOOLS, STANDARD_TOOLS, type Tool, toolsFor } from "./tools.ts";

/** A tool that can be used. */
export interface ToolHome {
  /** Holds the programs, and what is copied beside them. */
  readonly dir: string;
  readonly origin: "cache" | "built" | "official";
  /** Absolute path of a program or a copied folder. */
  file(name: string): string;
}

export interface Toolchain {
  /** The tool, as soon as it is there. Throws `LabError` when it could not be built; the others go on being built. */
  get(tool: Tool): Promise<ToolHome>;
}

/** Starts to get these tools (those of `make build` where none are named) in the background, in the order of `TOOLS`. */
export function openToolchain(wanted: readonly Tool[] = STANDARD_TOOLS): Toolchain {
  const ordered = TOOL_NAMES.filter((tool) => wanted.includes(tool));
  const found = lookAll(ordered);
  const homes = new Map<Tool, Promise<ToolHome>>();
  let before: Promise<unknown> = found;
  for (const tool of ordered) {
    const turn = before;
    const home = found.then(
      (have) => have.get(tool) ?? turn.then(() => build(tool, isLastMissing(tool, ordered, have))),
    );
    before = home.catch(() => undefined); // whoever asks for the tool is told why it failed
    homes.set(tool, home);
  }
  return {
    get: (tool) =>
      homes.get(tool) ?? Promise.reject(new Error(`${tool} is not among the tools this toolchain was opened with`)),
  };
}

/** The folder of one tool's programs, got ready first if need be. */
export const toolPath = async (tool: Tool): Promise<string> => (await openToolchain([tool]).get(tool)).dir;

/** Which of these tools are neither in the cache nor the vendor's. */
export async function missingTools(tools: readonly Tool[]): Promise<Tool[]> {
  const homes = await findTools(tools);
  return tools.filter((tool) => !homes.has(tool));
}

async function lookAll(tools: readonly Tool[]): Promise<ReadonlyMap<Tool, ToolHome>> {
  const homes = await findTools(tools);
  const missing = tools.filter((tool) => !homes.has(tool));
  if (missing.length > 0) await requireFreeDisk(cacheFolder(), missing);
  return homes;
}

async function findTools(tools: readonly Tool[]): Promise<ReadonlyMap<Tool, ToolHome>> {
  const cache = cacheFolder();
  const version = await goVersion(goCaches(cache));
  const homes = new Map<Tool, ToolHome>();
  for (const tool of tools) {
    const official = await officialHome(tool);
    const home = official ?? (await homeOf(cache, tool, version));
    if (official !== undefined || (await isThere(home))) homes.set(tool, homeAt(home, official ? "official" : "cache"));
  }
  return homes;
}

const isLastMissing = (tool: Tool, tools: readonly Tool[], have: ReadonlyMap<Tool, ToolHome>): boolean =>
  tools.filter((name) => !have.has(name)).at(-1) === tool;

/** Builds one tool, unless another run has built it meanwhile. Go's caches go with the last of the missing ones. */
async function build(name: Tool, isLast: boolean): Promise<ToolHome> {
  const cache = cacheFolder();
  const caches = goCaches(cache);
  await Promise.all([join(cache, "toolchain"), caches.home].map((dir) => mkdir(dir, { recursive: true })));
  const onWait = (holder: string) => log(`${name}: waiting for another run: ${holder}`);
  const lock = { what: `building ${name}`, withinMs: 3_600_000, onWait };
  return withLock(join(cache, "toolchain", ".lock"), lock, async () => {
    const home = await homeOf(cache, name, await goVersion(caches));
    if (await isThere(home)) return homeAt(home, "cache");
    const startedMs = Date.now();
    await removeHalfBuilt(cache, name);
    await compile(name, caches, `${home}${HALF_BUILT}`);
    await rename(`${home}${HALF_BUILT}`, home);
    log(`${name}: built in ${duration(Date.now() - startedMs)}`);
    if (isLast && process.env.LAB_KEEP_GO_CACHE !== "1") await dropGoCaches(caches);
    return homeAt(home, "built");
  });
}

async function compile(name: Tool, caches: GoCaches, out: string): Promise<void> {
  const tool: Recipe = TOOLS[name];
  const cwd = moduleOf(name);
  await mkdir(out, { recursive: true });
  log(`${name}: building ${programsOf(tool).join(", ")}`);
  const startedMs = Date.now();
  let packages = 0;
  const tick = () => progress(`${name}: ${packages} packages compiled, ${duration(Date.now() - startedMs)}`);
  const timer = setInterval(tick, 1_000);
  try {
    await goBuild(caches, { cwd, out, flags: tool.flags, packages: tool.packages }, (count) => {
      packages = count;
    });
  } finally {
    clearInterval(timer);
  }
  for (const [from, to] of Object.entries(tool.rename ?? {})) await rename(join(out, from), join(out, to));
  for (const { module, from, to } of tool.copies ?? []) {
    await cp(join(await moduleFolder(caches, cwd, module), from), join(out, to), { recursive: true });
    // The module cache is read-only, which a copy inherits.
    await run(["chmod", "--recursive", "u+rwX,go+rX", join(out, to)]);
  }
  await writeFile(
    join(out, "built.json"),
    `${JSON.stringify({ tool: name, tookMs: Date.now() - startedMs, packages })}\n`,
  );
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const homeAt = (dir: string, origin: ToolHome["origin"]): ToolHome => ({
  dir,
  origin,
  file: (name) => join(dir, name),
});
