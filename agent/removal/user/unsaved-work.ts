/** Finds the git clones in a home and counts uncommitted changes, unpushed commits and stashes. It changes nothing. */

import { gitFor } from "../../lib/git.ts";
import { openDirectory, closeDirectory, entriesIn, type OpenDirectory } from "./walk-tree.ts";
import { systemCode } from "../../lib/errors.ts";
import type { Clone, ClonesTask } from "../shared/worker-protocol.ts";

/** More than anybody has; a tree made to hold more is told of as far as this. */
const MOST = 300;
const DEADLINE_MS = 20_000;

export async function clones({ folder, osUser }: ClonesTask, tell: (clone: Clone) => void): Promise<void> {
  const nowhere = { origin: "", forgejo: "", branch: "master" };
  const git = gitFor(folder, { osUser, infra: nowhere, repos: [] });
  for (const path of clonesBelow(folder).slice(0, MOST)) {
    const at = { in: Buffer.from(`${folder}/${path}`, "latin1").toString("utf8"), timeoutMs: DEADLINE_MS };
    const status = await git.run(["status", "--porcelain=v2", "-z", "--untracked-files=normal"], at);
    const unpushed = await git.run(["rev-list", "--count", "--branches", "HEAD", "--not", "--remotes", "--"], at);
    const stashes = await git.run(["rev-list", "--walk-reflogs", "--count", "refs/stash", "--"], at);
    const count = (text: string) => (/^\d+\n$/.test(text) ? Number(text) : 0);
    const isKnown = status.code === 0 && unpushed.code === 0;
    tell({
      clone: path,
      uncommitted: status.stdout.split("\0").filter((line) => /^[12u?] /.test(line)).length,
      unpushed: count(unpushed.stdout),
      stashes: stashes.code === 0 ? count(stashes.stdout) : 0,
      ...(isKnown ? {} : { unknown: "git cannot read it" }),
    });
  }
}

function clonesBelow(folder: string): readonly string[] {
  const found: string[] = [];
  const look = (directory: OpenDirectory): void => {
    const things = entriesIn(directory);
    if (things.some(({ at }) => at.toString("latin1").endsWith("/.git"))) found.push(directory.path);
    for (const { path, at, stat } of things) {
      if (!stat.isDirectory() || stat.dev !== directory.stat.dev || /(^|\/)(\.git|node_modules)$/.test(path)) continue;
      const below = heldOrNot(at, path);
      if (below === undefined) continue;
      try {
        look(below);
      } finally {
        closeDirectory(below);
      }
    }
  };
  const top = openDirectory(folder, "");
  try {
    look(top);
  } finally {
    closeDirectory(top);
  }
  return found;
}

/** What cannot be read stands in the listing as such. */
function heldOrNot(at: Buffer, path: string): OpenDirectory | undefined {
  try {
    return openDirectory(at, path);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
