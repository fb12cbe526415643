/**
 * Loads a program of this checkout: its compiled form where that matches the sources; where it does not, it is compiled
 * first.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** @returns the exports of `entry`, a path below the checkout */
export async function load(name, entry) {
  let program = compiledProgram(name);
  if (program === undefined) {
    await import("tsx");
    const { compile } = await import("./compile.ts");
    program = await compile(ROOT, name, entry);
  }
  // Stack traces name the lines of the sources.
  process.setSourceMapsEnabled(true);
  return import(pathToFileURL(program ?? `${ROOT}${entry}`).href);
}

/**
 * The compiled program, if every file that it was made of still has the same content. The checkout may have been
 * moved, and an unreadable or torn manifest is the same as a missing one: the program is then compiled again.
 */
function compiledProgram(name) {
  const text = contentOf(`node_modules/.cache/${name}/manifest.json`)?.toString();
  if (text === undefined || !text.endsWith("}\n")) return undefined;
  const { root, main, sources } = JSON.parse(text);
  const fresh =
    root === ROOT &&
    existsSync(main) &&
    Object.entries(sources).every(([path, checksum]) => {
      const content = contentOf(path);
      return (content === undefined ? "" : createHash("sha256").update(content).digest("hex")) === checksum;
    });
  return fresh ? main : undefined;
}

function contentOf(path) {
  try {
    return readFileSync(`${ROOT}${path}`);
  } catch (cause) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(cause.code)) return undefined;
    throw cause;
  }
}
