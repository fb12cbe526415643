/** Migrates a single clone at `~/code` to a workspace, where it becomes `~/code/infra` with all work in it. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { lstat } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { linkConversations } from "../home/conversation-links.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { codePath, infraPath, isClone, setAsideOf } from "./clone-paths.ts";
import { moveWithoutReplacing } from "./move-without-replacing.ts";
import { type StepContext, displayPath } from "../home/step-context.ts";
import { readOrNote, type Unread } from "../home/unread-paths.ts";

/**
 * Renames only, so that branches, dirty and untracked files come along and running processes follow their directory.
 * The next run finishes a killed one, whichever of the renames it had done.
 */
export function migration(context: StepContext): Step {
  const [code, infra, aside] = [codePath(context), infraPath(context), setAsideOf(context)];
  const putBack: Change = {
    point: "migrate-put-back",
    says: says("move", "the clone to ~/code/infra"),
    apply: () => moveWithoutReplacing(aside, infra),
  };
  const makeCode: Change = {
    point: "migrate-make-code",
    says: says("create", "~/code"),
    apply: () => mkdirSync(code, { mode: 0o755 }),
  };
  return {
    name: "migration",
    differences: () => {
      if (context.part.layout !== "workspace") return [];
      if (lstat(aside)?.isDirectory()) {
        if (isClone(code) || lstat(code)?.isFile())
          throw new Refusal(
            `~/code is a ${isClone(code) ? "clone" : "file"}, and the clone at ~/.code.workstation-moving must be below it; move one of them away by hand`,
          );
        if (lstat(infra) !== undefined)
          throw new Refusal("~/code/infra and ~/.code.workstation-moving both exist; move one of them away by hand");
        return lstat(code) === undefined ? [makeCode, putBack] : [putBack];
      }
      if (!isClone(code)) return [];
      const setAside: Change = {
        point: "migrate-set-aside",
        says: says("move", "the clone at ~/code out of the way"),
        apply: () => moveWithoutReplacing(code, aside),
      };
      // Before the clone moves: a transcript is found by its directory's path, so the new path gets a link to the old record.
      const links = linkConversations(context, {
        from: code,
        to: infra,
        point: "migrate-conversations",
        otherwise: "they are resumed from the former one",
      });
      return [...links, setAside, makeCode, putBack];
    },
  };
}

/** Worktrees remember absolute paths in both directions; git itself repairs them after the move. */
export function worktrees(context: StepContext): Step {
  const [code, infra] = [codePath(context), infraPath(context)];
  const tried = new Set<string>();
  return {
    name: "worktrees",
    differences: () => {
      const admin = `${infra}/.git/worktrees`;
      if (context.part.layout !== "workspace" || lstat(admin)?.isDirectory() !== true) return [];
      const unread: Unread[] = [];
      const names = readOrNote(admin, unread, () => readdirSync(admin)) ?? [];
      const changes = names.flatMap((name): Change[] => {
        const gitdir = `${admin}/${name}/gitdir`;
        const now = readOrNote(gitdir, unread, () => movedWorktree(gitdir, code, infra));
        if (now === undefined || tried.has(now)) return [];
        tried.add(now);
        const apply = async () => {
          const ran = await context.git.run(["worktree", "repair", "--", now], { in: infra });
          if (ran.code === 0) return undefined;
          context.warn(`the worktree ${name} of ~/code/infra could not be repaired: ${describeGitFailure(ran)}`);
          return "not done" as const;
        };
        return [{ point: "migrate-worktrees", says: says("repair", `the worktree ${name} of ~/code/infra`), apply }];
      });
      for (const { path, code: why } of unread)
        context.warn(`${displayPath(context, path)}: a worktree cannot be read (${why}), so it is not repaired`);
      return changes;
    },
  };
}

/** Where a worktree is now, when it or its clone has moved; undefined when both still find each other. */
function movedWorktree(gitdirFile: string, code: string, infra: string): string | undefined {
  if (lstat(gitdirFile)?.isFile() !== true) return undefined;
  const recorded = readFileSync(gitdirFile, "utf8")
    .trim()
    .replace(/\/\.git$/, "");
  const inside = recorded.startsWith(`${code}/`) && !recorded.startsWith(`${infra}/`);
  const now = inside && lstat(recorded) === undefined ? `${infra}${recorded.slice(code.length)}` : recorded;
  const back = lstat(`${now}/.git`)?.isFile() ? readFileSync(`${now}/.git`, "utf8").trim() : undefined;
  if (back === undefined) return undefined;
  const home = back.replace(/^gitdir: /, "");
  return now === recorded && home.startsWith(`${infra}/.git/worktrees/`) ? undefined : now;
}
