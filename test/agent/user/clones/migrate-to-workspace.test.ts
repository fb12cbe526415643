/** `~/code` becomes `~/code/infra` with everything in it, whatever a person has made of their clone. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { codeDirectory } from "../../../../agent/user/clones/clone-paths.ts";
import { migration, worktrees } from "../../../../agent/user/clones/migrate-to-workspace.ts";
import { realHome } from "./real-clone.ts";

/** What people do in a clone; each is a script in it, harmless when repeated. */
const DEEDS = {
  branch: 'git branch -f "b$n"',
  commit: 'echo "$n" > "c$n"; git add -- "c$n"; git commit -qm "c$n"',
  dirty: "echo dirty >> readme",
  staged: 'echo staged > "s$n"; git add "s$n"',
  untracked: 'mkdir -p "un tracked/$n"; printf "\\\\377\\\\n" > "un tracked/$n/f"',
  ignored: 'echo "*.log" > .gitignore; echo x > "$n.log"',
  stash: "echo stash >> readme; git stash -q || true",
  detach: "git checkout -q --detach",
  tag: 'git tag -f "t$n" >/dev/null',
  worktreeOutside: 'git worktree add -q "../wt$n" -b "wo$n" 2>/dev/null || true',
  worktreeInside: 'git worktree add -q "in$n" -b "wi$n" 2>/dev/null || true',
  nestedClone: 'git init -q "nested$n"; echo x > "nested$n/x"',
  nestedBare: 'git init -q --bare "bare$n"',
  deleted: "rm -f apps/one",
  link: 'ln -sf ../elsewhere "l$n"',
  mode: "chmod 755 readme",
  infraInside: "mkdir -p infra; echo mine > infra/mine",
  odd: 'touch -- "-x$n" "a\\nb$n" "ü$n"',
} as const;

/** All that could be lost: refs, stash, index, what git thinks of the tree, and every byte outside `.git`. */
const TREASURES = `git for-each-ref; git stash list; git rev-parse HEAD; git symbolic-ref -q HEAD || true; git status --porcelain -z --ignored | sha256sum; git diff | sha256sum; git diff --cached | sha256sum
git fsck --no-dangling 2>&1; find . -path ./.git -prune -o -type f ! -name .git -printf '%p %m ' -exec sha256sum {} + | sort | sha256sum; find . -path ./.git -prune -o \\( -type d -o -type l \\) -printf '%p %y %l\\n' | sort | sha256sum
git worktree list --porcelain | grep -c ^worktree`;

const RUNS = process.env.CI === "true" ? 100 : 50;

test("nothing of a clone is lost when it becomes a part of a workspace, and a second run moves nothing", async () => {
  const deed = fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[]));
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 7 }), async (deeds) => {
      const real = realHome({ layout: "workspace" });
      try {
        real.sh(
          `git init -q -b master code; cd code; mkdir apps; echo hello > readme; echo one > apps/one; git add -A; git commit -qm one
${deeds.map((name, n) => `n=${n}; ${DEEDS[name]}`).join("\n")}`,
        );
        const before = real.sh(`cd code; ${TREASURES}`);
        for (const make of [migration, codeDirectory, worktrees])
          await converge(make(real.place), "apply", () => undefined);
        expect(real.sh("ls -A code")).toBe("infra");
        expect(real.sh(`cd code/infra; ${TREASURES}`)).toBe(before);
        const worktreesWork =
          'cd code/infra; git worktree list --porcelain | sed -n "s/^worktree //p" | while read -r w; do git -C "$w" status --porcelain >/dev/null; done; ls -A ..';
        expect(real.sh(worktreesWork)).toBe("infra");
        for (const make of [migration, codeDirectory, worktrees])
          expect(await make(real.place).differences()).toEqual([]);
      } finally {
        real.remove();
      }
    }),
    { numRuns: RUNS },
  );
}, 600_000);
