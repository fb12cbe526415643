/** The hostile-home matrix: whatever lies in a home, nothing outside it changes, the run ends, and everybody else converges. */
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, maps, REMOTE, type Somebody } from "./host/parts.ts";

const TARGETS = [
  ...["~/code", "~/code/infra", "~/code/tripit", "~/.git-credentials", "~/.gitconfig", "~/.kube", "~/.kube/config"],
  ...["~/start-claude.sh", "~/.tmux.conf", "~/.codex", "~/.codex/AGENTS.md", "~/.claude/projects", "~/.ssh"],
];
const KINDS = [
  ...[
    "link to root's file",
    "link to root's directory",
    "link in a parent",
    "dangling link",
    "link loop",
    "hard link to root's file",
  ],
  ...["pipe", "socket", "the other sort", "closed to its own owner", "20 GiB without content", "swapped all the time"],
];

/** One person a kind, so that a round tries them all at once, and one who is nobody's enemy. */
const hostile: readonly Somebody[] = KINDS.map((_, at) => ({
  osUser: `kind${at}`,
  uid: 7100 + at,
  layout: "workspace",
  repos: [{ name: "tripit", url: `${REMOTE}/tripit` }],
}));
const good: Somebody = {
  osUser: "good",
  uid: 7200,
  layout: "workspace",
  repos: [{ name: "tripit", url: `${REMOTE}/tripit` }],
};

let host: TestHost;
afterAll(() => host.vm.stop());
beforeAll(async () => {
  host = await startTestHost("homes", 2);
  await host.sh("sysctl -q fs.protected_hardlinks=0 fs.protected_symlinks=0 2>/dev/null || true");
  await host.sh(
    "mkdir -p /root/canary/directory/infra /root/canary/directory/tripit; echo root > /root/canary/file; echo root > /root/canary/directory/config",
  );
  const source = readFileSync(new URL("./host/hostile.ts", import.meta.url), "utf8");
  await host.sh("cat > /srv/hostile.mjs", {
    input: transformSync(source, { loader: "ts", format: "esm", target: "node18" }).code,
  });
  await host.apply(base({ commands: { t3: ["/bin/true"], browser: ["/bin/true"], credentialSync: ["/bin/true"] } }));
  await host.apply(maps([...hostile, good]));
  for (const who of [...hostile, good]) for (const part of [account, clones]) await host.apply(part(who));
  await host.workstation("settle");
});

/** Everything outside the homes, with owners, modes, sizes, times, links and numbers of names; and what the files hold. */
const canary = (): Promise<string> =>
  host.sh(
    "find / -xdev \\( -path /home -o -path /proc -o -path /run -o -path /dev -o -path /sys -o -path /var/log -o -path /var/lib/workstation -o -path /srv/git -o -path /tmp -o -path /var/tmp -o -path /var/lib/systemd/timers \\) -prune -o -printf '%p %U %G %m %s %T@ %l %i\\n' | sort; " +
      "sha256sum /etc/passwd /etc/shadow /etc/group /etc/sudoers.d/* /root/canary/file /root/canary/directory/* 2>/dev/null; find /home/good | sort",
    { timeoutMs: 60_000 },
  );

const plant = (cells: readonly (readonly [Somebody, string])[], target: string) =>
  host.sh(cells.map(([who, kind]) => `node /srv/hostile.mjs ${who.osUser} "${kind}" "${target}"`).join("\n"), {
    timeoutMs: 60_000,
  });

/** Takes away what was planted, a planted parent included; the next run makes anew what belongs there. */
const clear = () =>
  host.sh(
    `pkill perl; cd /home; for h in kind*; do chmod -R u+rwX $h 2>/dev/null
find $h -mindepth 1 -maxdepth 1 ! -name code ! -name .gitconfig -exec rm -rf {} +
for t in code code/infra code/tripit; do [ -L $h/$t ] || [ ! -d $h/$t ] && rm -f $h/$t; rm -rf $h/$t.other; done
[ -L $h/.gitconfig ] || [ ! -f $h/.gitconfig ] && rm -rf $h/.gitconfig; done; true`,
  );

test.each(TARGETS)(
  "whatever lies at %s, root changes nothing outside, the run ends in time, the others converge",
  async (target) => {
    await plant(
      hostile.map((who, at) => [who, KINDS[at] ?? ""]),
      target,
    );
    await host.sh("rm /home/good/start-claude.sh");
    const before = await canary();
    const started = performance.now();
    const said = await host.workstation("reconcile");
    expect(performance.now() - started).toBeLessThan(90_000);
    expect(said.out).toContain("good: wrote ~/start-claude.sh");
    const lines = (text: string) => text.split("\n").filter((line) => !line.includes("/home/good"));
    const known = new Set(lines(before));
    expect(lines(await canary()).filter((line) => !known.has(line))).toEqual([]);
    await host.sh("pkill perl; true");
    // Converged, or named with a reason: nobody is silently in between.
    const again = await host.workstation("reconcile");
    const named = new Set(again.err.flatMap((line) => /^failed: ([a-z0-9]+):/.exec(line)?.[1] ?? []));
    const restless = hostile
      .map((p) => p.osUser)
      .filter((who) => !named.has(who) && again.out.some((line) => line.startsWith(`${who}:`)));
    const settled = hostile.filter((_, at) => KINDS[at] !== "swapped all the time").map((p) => p.osUser);
    expect(restless.filter((who) => settled.includes(who))).toEqual([]);
    expect(again.out.filter((line) => line.startsWith("good:"))).toEqual([]);
  },
);

/** A naive program: root, plain file calls, following whatever is there. */
const NAIVE = `
const fs = require("fs"); const [at, dir] = process.argv.slice(1);
try { if (dir === "yes") { fs.mkdirSync(at, { recursive: true }); fs.writeFileSync(at + "/config", "written"); fs.chownSync(at, 7100, 7100); }
else { fs.writeFileSync(at, "written"); fs.chownSync(at, 7100, 7100); } } catch { process.exitCode = 1; }`;

test.each([
  ["link to root's file", "~/start-claude.sh", "no"],
  ["link to root's directory", "~/.kube", "yes"],
  ["link in a parent", "~/.kube/config", "no"],
  ["dangling link", "~/.kube/config", "no"],
  ["hard link to root's file", "~/start-claude.sh", "no"],
])(
  "the fixture %s at %s is really hostile: a naive program as root does damage with it",
  async (kind, target, directory) => {
    await clear();
    await plant([[hostile[0] ?? good, kind]], target);
    const before = await canary();
    await host.sh(`node -e '${NAIVE}' ${target.replace("~", "/home/kind0")} ${directory}`);
    expect(await canary()).not.toBe(before);
    await host.sh(
      "rm -rf /root/canary/* /home/kind0/.kube /home/kind0/start-claude.sh; mkdir -p /root/canary/directory/infra; echo root > /root/canary/file; echo root > /root/canary/directory/config; chown -R root: /root/canary",
    );
  },
);

test("a home that is a link, somebody else's, or open to others is refused before anything is started in it", async () => {
  await host.sh(
    "mv /home/kind0 /home/kind0.real; ln -s /home/kind0.real /home/kind0; chown root: /home/kind1; chmod 777 /home/kind2; chown good: /home/kind3",
  );
  const before = await host.sh("ls -la /home/kind1 /home/kind3; ls -la /home/kind0.real");
  const said = await host.workstation("reconcile");
  const why = said.err.filter((line) => /^failed: kind[0-3]: (account|clones)/.test(line));
  expect(why.join("\n")).toContain("kind0: clones: /home/kind0 is a symbolic link");
  expect(why.join("\n")).toContain("kind3: clones: /home/kind3 belongs to uid 7200");
  expect(await host.sh("stat -c %a /home/kind2; ls -la /home/kind0.real | wc -l")).toBe("700\n3");
  expect(before).toContain("root");
});

test("root opens nothing below a home, and nothing in /tmp", async () => {
  await host.sh(
    "rm -rf /home/kind0; mv /home/kind0.real /home/kind0 2>/dev/null; chown kind1: /home/kind1; chown kind3: /home/kind3; chmod 700 /home/kind*; true",
  );
  await host.sh(
    "strace -f -qq -e trace=%file -o /srv/trace env -i PATH=/usr/bin:/bin node /usr/lib/workstation/agent.mjs reconcile || true",
    { timeoutMs: 240_000 },
  );
  const touched = await host.sh(
    "grep -E '\"/home/[a-z0-9]+/|\"/tmp/' /srv/trace | grep -v ENOENT | head; grep -c . /srv/trace",
  );
  expect(touched).toMatch(/^\d{3,}$/);
});
