/**
 * Proves that the agent's two privilege trees stay apart: what runs as root never loads the code that works below a home,
 * and a person's own process never loads root's.
 */

import { posix } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type RuntimeImports, runtimeImports } from "../../agent/bundle.ts";
import { BUNDLED_FOLDERS } from "../../stacks/cached-bundle.ts";
import { files, text } from "./sources.ts";

type Imports = ReadonlyMap<string, readonly string[]>;

const ROOT_SIDE = /^agent\/(removal\/)?root\//;
const USER_SIDE = /^agent\/(removal\/)?user\//;
/** The only files that may know both sides: they decide by their arguments which one runs. */
const ENTRY_POINTS = ["agent/main.ts", "agent/user/main.ts", "agent/removal/main.ts"];

const IMPORT = /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm;

/** Every import of the source, type imports included. */
const sourceImports: Imports = new Map(
  files(/^agent\/.*\.ts$/).map((file) => [
    file,
    [...text(file).matchAll(IMPORT)].map((match) => posix.join(posix.dirname(file), match[1] ?? match[2] ?? "")),
  ]),
);

/** The shortest chains of imports that lead from a file to files of the other side, for the failure's message. */
function chainsTo(imports: Imports, from: string, forbidden: RegExp): readonly string[] {
  const chains = new Map([[from, from]]);
  for (const [file, chain] of chains)
    for (const target of imports.get(file) ?? []) if (!chains.has(target)) chains.set(target, `${chain} -> ${target}`);
  return [...chains].filter(([file]) => forbidden.test(file)).map(([, chain]) => chain);
}

/** Every circle once, as the files in it. */
function circles(imports: Imports): readonly string[] {
  const reachable = (from: string): ReadonlySet<string> => {
    const found = new Set(imports.get(from));
    for (const file of found) for (const target of imports.get(file) ?? []) found.add(target);
    return found;
  };
  const reach = new Map([...imports.keys()].map((file) => [file, reachable(file)]));
  const inCircle = [...imports.keys()].filter((file) => reach.get(file)?.has(file));
  const groups = inCircle.map((file) =>
    inCircle.filter((other) => reach.get(file)?.has(other) && reach.get(other)?.has(file)).join(", "),
  );
  return [...new Set(groups)];
}

describe("at run time, in the real bundles", () => {
  let programs: RuntimeImports;
  // It builds every program, which takes long on a busy machine.
  beforeAll(async () => {
    programs = await runtimeImports();
  }, 60_000);

  test("every module lies in a folder whose change makes the program bundle the agent anew", () => {
    const inputs = [...programs.values()].flatMap((program) => [...program.keys()]);
    const sources = inputs.filter((path) => !/(^|\/)node_modules\//.test(path));
    expect(sources.filter((path) => !BUNDLED_FOLDERS.includes(path.split("/")[0] ?? ""))).toEqual([]);
  });

  const of = (program: string): Imports => programs.get(program) ?? new Map();

  test.each([
    ["agent.mjs", "agent/main.ts", USER_SIDE],
    ["worker.cjs", "agent/user/main.ts", ROOT_SIDE],
    ["terminal.cjs", "agent/user/terminal/main.ts", ROOT_SIDE],
    ["remove.mjs", "agent/removal/root/command-line.ts", USER_SIDE],
    ["remove.mjs", "agent/removal/user/answer-task.ts", ROOT_SIDE],
  ])("%s, from %s, never loads the other side", (program, from, forbidden) => {
    const imports = of(program);
    expect(imports.has(from), `${program} is built from ${from}`).toBe(true);
    expect(chainsTo(imports, from, forbidden)).toEqual([]);
  });

  test("a worker, which starts once per user and run, holds no package: reading one takes longer than its work", () => {
    expect([...of("worker.cjs").keys()].filter((file) => file.includes("node_modules"))).toEqual([]);
  });

  test("each program holds the side that it is named for", () => {
    const count = (program: string, side: RegExp) => [...of(program).keys()].filter((file) => side.test(file)).length;
    expect(count("agent.mjs", ROOT_SIDE)).toBeGreaterThan(50);
    expect(count("worker.cjs", USER_SIDE)).toBeGreaterThan(20);
    expect(count("remove.mjs", /^agent\/removal\/user\//)).toBeGreaterThan(5);
  });
});

describe("in the source, type imports included", () => {
  test.each([...sourceImports].filter(([file]) => !ENTRY_POINTS.includes(file)))(
    "%s imports nothing of a side that is not its own",
    (file, targets) => {
      const foreign = targets.filter(
        (target) =>
          (USER_SIDE.test(target) && !USER_SIDE.test(file)) || (ROOT_SIDE.test(target) && !ROOT_SIDE.test(file)),
      );
      expect(foreign).toEqual([]);
    },
  );

  test("shared/ is pure: it imports schemas, pure modules and nothing that acts", () => {
    const allowed = /^(zod|node:path)$|^agent\/(shared\/|contract\.ts$)/;
    const all = files(/^agent\/shared\/.*\.ts$/).flatMap((file) =>
      [...text(file).matchAll(/\sfrom\s"([^"]+)"/g)].map(([, target = ""]) => ({
        file,
        target: target.startsWith(".") ? posix.join(posix.dirname(file), target) : target,
      })),
    );
    expect(all.filter(({ target }) => !allowed.test(target))).toEqual([]);
  });

  test("no files of agent/ import each other in a circle", () => {
    expect(circles(sourceImports)).toEqual([]);
  });

  test("no folders of agent/ import each other in a circle", () => {
    // A file directly in agent/ stands for itself: the contract is below every folder and the entry point above all.
    const folderOf = (file: string) => (posix.dirname(file) === "agent" ? file : posix.dirname(file));
    const folders = new Map<string, string[]>();
    for (const [file, targets] of sourceImports) {
      const others = targets.map(folderOf).filter((folder) => folder !== folderOf(file));
      folders.set(folderOf(file), [...(folders.get(folderOf(file)) ?? []), ...others]);
    }
    expect(circles(folders)).toEqual([]);
  });
});
