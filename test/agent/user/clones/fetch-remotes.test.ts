/** The hourly fetch changes remote-tracking refs alone, whatever a person's settings say, and names what it could not fetch. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { fetchRemotes } from "../../../../agent/user/clones/fetch-remotes.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
let daemon: ChildProcess;
afterEach(() => {
  daemon.kill("SIGKILL");
  real.remove();
});

/** Remotes are served by git itself, since the agent's git uses no other protocol for the ones that a part does not deliver. */
async function serve(home: string, port: number): Promise<void> {
  const argv = ["--reuseaddr", "--export-all", "--listen=127.0.0.1", `--port=${port}`, `--base-path=${home}`];
  const folder = execFileSync("/usr/bin/git", ["--exec-path"], { encoding: "utf8" }).trim();
  daemon = spawn(`${folder}/git-daemon`, argv, { stdio: "ignore", env: { ...process.env, HOME: home } });
  for (let tried = 0; tried < 100; tried += 1) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.unref();
    });
    if (answers) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("git daemon does not answer");
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

/** A clone with tags, a branch and a note of its person's, of a remote that has since lost a branch and gained a commit. */
async function clone(settings: string): Promise<string> {
  const port = await freePort();
  const url = `git://127.0.0.1:${port}/up`;
  real = realHome({ infra: { origin: url, forgejo: url, branch: "master" } });
  await serve(real.home, port);
  real.sh(`git init -q -b master up; cd up; echo hello > readme; git add -A; git commit -qm one; git branch gone; git tag v1; git clone -q . ../code; git -C ../code remote set-url origin ${url}
cd ../code; git tag mine; git branch mine; git update-ref refs/heads/gone HEAD; git notes add -m mine
${settings}
cd ../up; git branch -qD gone; echo up > readme; git commit -qam two; git branch new`);
  return join(real.home, "code");
}

const OWN = "cd code; git for-each-ref --format='%(refname) %(objectname)' refs/heads refs/tags refs/notes";
const TRACKING = "cd code; git for-each-ref --format='%(refname)' refs/remotes";

test.each([
  ["nothing", "true"],
  ["fetch.pruneTags", "git config fetch.prune true; git config fetch.pruneTags true"],
  ["a remote's pruneTags", "git config remote.origin.prune true; git config remote.origin.pruneTags true"],
  [
    "pruneTags of the person's every clone",
    "git config --global fetch.pruneTags true; git config --global fetch.prune true",
  ],
  ["a refspec for tags", "git config --add remote.origin.fetch '+refs/tags/*:refs/tags/*'"],
  ["a refspec for tags in every clone", "git config --global --add remote.origin.fetch '+refs/tags/*:refs/tags/*'"],
  ["a refspec for everything", "git config --add remote.origin.fetch '+refs/*:refs/*'"],
  ["a refspec for branches", "git config --add remote.origin.fetch '+refs/heads/*:refs/heads/*'"],
  ["a refspec for notes", "git config --add remote.origin.fetch '+refs/notes/*:refs/notes/*'"],
  ["a mirror as a second remote", "git remote add --mirror=fetch copy $(git config remote.origin.url)"],
  ["all tags", "git config remote.origin.tagOpt --tags"],
])(
  "with %s configured, own tags, branches and notes stay, and remote-tracking branches are fetched and pruned",
  async (_, settings) => {
    const at = await clone(settings);
    const before = real.sh(OWN);
    await fetchRemotes(real.place, at);
    expect(real.sh(OWN)).toBe(before);
    expect(real.sh(TRACKING)).toBe("refs/remotes/origin/HEAD\nrefs/remotes/origin/master\nrefs/remotes/origin/new");
    expect(real.warned).toEqual([]);
  },
);

test("refspecs that lead to remote-tracking refs are used as they are, and a remote that is left out stays so", async () => {
  const at =
    await clone(`git config --replace-all remote.origin.fetch '+refs/heads/*:refs/remotes/elsewhere/*'; git config --add remote.origin.fetch '^refs/heads/new'
git remote add skipped /nowhere; git config remote.skipped.skipFetchAll true; git config remote.pushonly.pushurl /nowhere`);
  await fetchRemotes(real.place, at);
  expect(real.sh(TRACKING)).toContain("refs/remotes/elsewhere/master");
  expect(real.sh(TRACKING)).not.toContain("elsewhere/new");
  expect(real.warned).toEqual([]);
});

test("a remote that is gone is named, and the other one is fetched", async () => {
  const at = await clone("git remote add dead $(git config remote.origin.url)/nowhere");
  await fetchRemotes(real.place, at);
  expect(real.warned).toEqual([expect.stringMatching(/^~\/code: the remote dead could not be fetched: fatal: /)]);
  expect(real.sh(TRACKING)).toContain("refs/remotes/origin/new");
});

test("a tag that has moved is named with its remote, the person's own stays, and everything else is fetched", async () => {
  const at = await clone("git config remote.origin.tagOpt --tags");
  real.sh("cd up; git tag -f v1");
  const before = real.sh(OWN);
  await fetchRemotes(real.place, at);
  expect(real.warned).toEqual([
    "~/code: of the remote origin not every ref was fetched: its tag v1 has moved, and yours of that name stays",
  ]);
  expect(real.sh(OWN)).toBe(before);
  expect(real.sh(TRACKING)).toContain("refs/remotes/origin/new");
});

test("a branch that a refspec does not let go back is named", async () => {
  const at = await clone("git config --replace-all remote.origin.fetch 'refs/heads/*:refs/remotes/origin/*'");
  real.sh(
    "cd up; git commit -q --amend -m other; cd ../code; git fetch -q origin; cd ../up; git commit -q --amend -m third",
  );
  await fetchRemotes(real.place, at);
  expect(real.warned).toEqual([
    "~/code: of the remote origin not every ref was fetched: origin/master: non-fast-forward",
  ]);
});

test("a ref that another fetch has brought in the same moment is fetched all the same, and nothing is warned of", async () => {
  const path = await clone("true");
  // While the remote makes its pack, the other fetch moves the ref, once: to another commit, so that both can be told apart.
  real.sh(`cat > hook <<'END'
#!/bin/sh
[ -e ~/moved ] || { touch ~/moved; env -u GIT_DIR git -C ~/code update-ref refs/remotes/origin/master "$(cat ~/other)"; }
exec "$@"
END
chmod +x hook; git config --global uploadpack.packObjectsHook ~/hook
cd code; git commit-tree -m other HEAD^{tree} > ../other`);
  await fetchRemotes(real.place, path);
  expect(real.sh("ls moved; cd code; git log -1 --format=%s origin/master")).toBe("moved\ntwo");
  expect(real.warned).toEqual([]);
});
