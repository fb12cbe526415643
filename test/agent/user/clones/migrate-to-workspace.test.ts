/** `~/code` becomes `~/code/infra` with everything in it, whatever a person has made of their clone. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { codeDirectory } from "../../../../agent/user/clones/clone-paths.ts";
import { migration, worktrees } from "../../../../agent/user/clones/migrate-to-workspace.ts";
import { gitIn } from "../../../../agent/lib/git.ts";
import { ownGitEnvironment } from "../../../../agent/lib/git-environment.ts";
import { messageOf } from "../../../../agent/lib/errors.ts";
import { formerHomes } from "../../../../agent/user/home/link-former-homes.ts";
import { stepsOf } from "../../../../agent/user/step-order.ts";
import { type RealHome, realHome } from "./real-clone.ts";

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

const NOBODY = 65_534;

/** As somebody who owns their home and not everything in it: root may read all. */
async function asOwner(real: RealHome, lock: string, act: () => Promise<unknown>): Promise<void> {
  real.sh(`chown -R ${NOBODY}:${NOBODY} .; chmod 755 . ..; ${lock}`);
  process.seteuid?.(NOBODY);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}

/** Folders of conversations that were held below `from`. */
const conversationsBelow = (from: string, ...below: readonly string[]) =>
  below
    .map((path) => {
      const cwd = `${from}${path}`;
      const folder = `.claude/projects/${cwd.replace(/[^A-Za-z0-9]/g, "-")}`;
      return `mkdir -p -- ${folder}; echo '{"cwd":"${cwd}"}' > ${folder}/1.jsonl`;
    })
    .join("\n");

const linked = (real: RealHome) =>
  real.sh("find .claude/projects -type l -printf '%f\\n' | sort").split("\n").filter(Boolean).length;

test.each([
  [
    "a transcript",
    1,
    "chown root .claude/projects/*-code/*; chmod 0 .claude/projects/*-code/*",
    "-code/1.jsonl cannot be read (EACCES)",
  ],
  [
    "a folder of them",
    1,
    "chown root .claude/projects/*-code; chmod 0 .claude/projects/*-code",
    "-code cannot be read (EACCES)",
  ],
  [
    "the folder of all",
    0,
    "chown root .claude/projects; chmod 0 .claude/projects",
    "~/.claude/projects cannot be read (EACCES)",
  ],
  ["the assistant's folder", 0, "chown root .claude; chmod 0 .claude", "~/.claude/projects cannot be read (EACCES)"],
  [
    "what the links must be made in",
    0,
    "chown root .claude/projects; chmod 755 .claude/projects",
    "cannot be made (EACCES)",
  ],
])("%s that is somebody else's costs no more than its own links, and is named", async (_, links, lock, why) => {
  const real = realHome({ layout: "workspace" });
  try {
    real.sh(`git init -q code\n${conversationsBelow(`${real.home}/code`, "", "/apps")}`);
    await asOwner(real, lock, () => converge(migration(real.place), "apply", () => undefined));
    expect(real.sh("ls -A code; ls -A code/infra")).toBe("infra\n.git");
    expect(real.warned[0]).toContain(why);
    expect(real.warned[0]).toMatch(/: they are resumed from the former one$/);
    expect(linked(real)).toBe(links);
  } finally {
    real.remove();
  }
});

test.each([
  [
    "read",
    "chown root .claude/projects/*-b; chmod 0 .claude/projects/*-b",
    2,
    "projects/-home-old-b cannot be read (EACCES)",
  ],
  ["linked", "chown root .claude/projects; chmod 755 .claude/projects", 0, "cannot be made (EACCES)"],
])("after a rename, what cannot be %s keeps no other conversation from being linked", async (_, lock, links, why) => {
  const real = realHome({ formerNames: ["older", "old"] });
  try {
    real.sh(conversationsBelow("/home/old", "/a", "/b", "/c"));
    await asOwner(real, lock, () => converge(formerHomes(real.place), "apply", () => undefined));
    expect(real.warned[0]).toContain(why);
    expect(real.warned[0]).toMatch(/: a later run links them once it can$/);
    expect(linked(real)).toBe(links);
  } finally {
    real.remove();
  }
});

test("a worktree that is somebody else's keeps no other one from being repaired, and is named", async () => {
  const real = realHome({ layout: "workspace" });
  try {
    real.sh(`git init -q code; cd code; git commit -q --allow-empty -m one; git worktree add -q ../a; git worktree add -q ../b
mkdir ../new; cd ..; mv code new/infra; mv new code`);
    await asOwner(real, "chown root a/.git; chmod 0 a/.git", () =>
      converge(worktrees(real.place), "apply", () => undefined),
    );
    expect(real.warned[0]).toBe(
      "~/code/infra/.git/worktrees/a/gitdir: a worktree cannot be read (EACCES), so it is not repaired",
    );
    expect(real.sh("git -C b -c safe.directory='*' rev-parse --abbrev-ref HEAD")).toBe("b");
  } finally {
    real.remove();
  }
});

/** What each step from the migration on does and says, with a git that may clone from here. */
async function convergeTrees(real: RealHome, mode: "apply" | "check" = "apply"): Promise<readonly string[]> {
  const git = gitIn(real.home, ownGitEnvironment(real.home, "somebody", {}));
  const origin = `${real.home}/up`;
  const infra = { ...real.place.part.infra, origin, forgejo: origin, branch: "master" };
  const repos = [{ name: "tools", url: origin }];
  const steps = stepsOf({ ...real.place, mode, git, part: { ...real.place.part, layout: "workspace", infra, repos } });
  const said: string[] = [];
  for (const step of steps.slice(7).map((make) => make()))
    try {
      await converge(step, mode, (sentence) => said.push(sentence));
    } catch (error) {
      said.push(`${step.name}: ${messageOf(error)}`);
    }
  return said;
}

const FORMER =
  "git init -q -b master up; git -C up commit -q --allow-empty -m one; git clone -q up code; mkdir code/own; git init -q code/own/nested";

test.each([
  ["is in its place", "echo mine > .code.workstation-moving", "~/code"],
  ["is in its new place", "mv code .code.workstation-moving; echo mine > code", "~/.code.workstation-moving"],
  ["is a second clone", "cp -r code .code.workstation-moving", "~/code"],
])(
  "where something %s, the clone stays, nothing is cloned into it, and one step says what to do",
  async (_, begin, where) => {
    const real = realHome();
    try {
      real.sh(`${FORMER}; ${begin}`);
      const look = "find . -name .git -prune -print -o -print | grep -v '^./up' | sort";
      const before = real.sh(look);
      const said = await convergeTrees(real);
      expect(said.filter((line) => !/^(migration|layout): /.test(line))).toEqual([]);
      expect(said).toContainEqual(expect.stringMatching(/^migration: /));
      expect(said).toContain(
        `layout: ${where} is still the clone that ~/code/infra must be, so nothing is cloned, moved or updated below ~/code: resolve what the step migration reports, or move the clone by hand`,
      );
      expect(real.sh(look)).toBe(before);
    } finally {
      real.remove();
    }
  },
);

test("a migration brings all of the workspace about in one run, as a dry run has announced, and leaves nested clones", async () => {
  const real = realHome();
  try {
    real.sh(FORMER);
    const would = await convergeTrees(real, "check");
    expect(would).toEqual([
      "would move the clone at ~/code out of the way",
      "would create ~/code",
      "would move the clone to ~/code/infra",
      "would clone ~/code/tools",
    ]);
    const did = await convergeTrees(real);
    expect(did.slice(0, 4)).toEqual([
      "moved the clone at ~/code out of the way",
      "created ~/code",
      "moved the clone to ~/code/infra",
      "cloned ~/code/tools",
    ]);
    expect(real.sh("ls code; ls -d code/infra/own/nested/.git")).toBe("infra\ntools\ncode/infra/own/nested/.git");
    expect(await convergeTrees(real)).toEqual([]);
  } finally {
    real.remove();
  }
});
