/** Keeps the agent's bundle in node_modules/.cache, so that a run of the engine bundles it only where a source has changed. */

import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import type { Bundle } from "../agent/bundle.ts";
import { parseJson } from "../clients/parse-json.ts";

/** Folders whose files go into the bundle, besides packages, or decide how it is made. */
export const BUNDLED_FOLDERS: readonly string[] = ["agent", "clients", "portal"];

/** Names every installed package with its version. */
const PACKAGES = "node_modules/.package-lock.json";

const CACHE = "node_modules/.cache/agent-bundle.json";

const cached = z.object({ sources: z.string(), text: z.string(), sha256: z.string() });

/**
 * Returns the bundle that was kept for the present sources, or makes it. A file that is damaged is the same as none. Whoever can
 * write it can replace the packages next to it, too; it needs no more trust than they do.
 * @param root the checkout
 */
export async function cachedBundle(root: string, make: () => Promise<Bundle>): Promise<Bundle> {
  const sources = digestOfSources(root, BUNDLED_FOLDERS);
  const kept = keptBundle(root);
  if (sources !== undefined && kept?.sources === sources && sha256Of(kept.text) === kept.sha256) return kept;
  const bundle = await make();
  if (sources !== undefined) keep(root, JSON.stringify({ sources, ...bundle }));
  return bundle;
}

/**
 * The SHA-256 of the content of folders of a checkout and of the names of its packages, in hexadecimal: what is bundled from
 * them is the same where it is the same.
 * @returns undefined where no installation says which packages there are
 */
export function digestOfSources(root: string, folders: readonly string[]): string | undefined {
  const packages = contentOf(join(root, PACKAGES));
  if (packages === undefined) return undefined;
  const digest = createHash("sha256").update(packages);
  for (const folder of folders) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of paths.sort()) {
      const content = readFileSync(path);
      digest.update(`\0${relative(root, path)}\0${content.length}\0`).update(content);
    }
  }
  return digest.digest("hex");
}

function keptBundle(root: string): z.output<typeof cached> | undefined {
  return cached.safeParse(parseJson(contentOf(join(root, CACHE))?.toString("utf8") ?? "")).data;
}

/** Processes that bundle at the same time replace each other's file as a whole. */
function keep(root: string, text: string): void {
  const path = join(root, CACHE);
  const beside = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(beside, text);
    renameSync(beside, path);
  } catch (cause) {
    if (!UNWRITABLE.has((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
  }
}

/** Codes of a read-only file system, another user's folder, or a full disk. */
const UNWRITABLE: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT"]);

const sha256Of = (text: string): string => createHash("sha256").update(text).digest("hex");

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((cause as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw cause;
  }
}
