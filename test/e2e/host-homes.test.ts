/** The hostile-home matrix: whatever lies in a home, nothing outside it changes, the run ends, and everybody else converges. */
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, maps, REMOTE, type Somebody } from "./host/parts.ts";

/** Places that do not lie on each other's way are tried in one round. */
const ROUNDS = [
  [
    ...["~/code", "~/.git-credentials", "~/.kube", "~/start-claude.sh", "~/.tmux.conf", "~/.codex"],
    ...["~/.claude/projects", "~/.ssh"],
  ],
  ["~/code/infra", "~/.kube/config", "~/.codex/AGENTS.md"],
  ["~/code/tripit"],
  ["~/.gitconfig"],
] as const;
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

/** Person, kind and place of each. */
const plant = (cells: readonly (readonly [Somebody, string, string])[]) =>
  host.sh("node /srv/hostile.mjs", {
    input: JSON.stringify(cells.map(([who, kind, target]) => [who.osUser, kind, target])),
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

const SWAPPED = "swapped all the time";

test.each(ROUNDS.map((targets) => [targets.join(", "), targets] as const))(
  "whatever lies at %s, root changes nothing outside, the run ends in time, the others converge",
  async (_, targets) => {
    await clear();
    await host.workstation("reconcile");
    await plant(
      targets.flatMap((target) => hostile.map((who, at): [Somebody, string, string] => [who, KINDS[at] ?? "", target])),
    );
    await host.sh("rm /home/good/start-claude.sh");
    const before = await canary();
    const started = performance.now();
    const said = await host.workstation("reconcile");
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(said.out).toContain("good: wrote ~/start-claude.sh");
    const lines = (text: string) => text.split("\n").filter((line) => !line.includes("/home/good"));
    const known = new Set(lines(before));
    expect(lines(await canary()).filter((line) => !known.has(line))).toEqual([]);
    await host.sh("pkill perl; true");
    // Converged, or named with a reason: nobody is silently in between.
    const again = await host.workstation("reconcile");
    const named = new Set(again.err.flatMap((line) => /^failed: ([a-z0-9]+):/.exec(line)?.[1] ?? []));
    const restless = hostile
      .filter((_who, at) => KINDS[at] !== SWAPPED)
      .map((p) => p.osUser)
      .filter((who) => !named.has(who) && again.out.some((line) => line.startsWith(`${who}:`)));
    expect(restless).toEqual([]);
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
    await plant([[hostile[0] ?? good, kind, target]]);
    const before = await canary();
    await host.sh(`node -e '${NAIVE}' ${target.replace("~", "/home/kind0")} ${directory}`);
    expect(await canary()).not.toBe(before);
    await host.sh(
      "rm -rf /root/canary/* /home/kind0/.kube /home/kind0/start-claude.sh; mkdir -p /root/canary/directory/infra; echo root > /root/canary/file; echo root > /root/canary/directory/config; chown -R root: /root/canary",
    );
  },
);

/** What can be in the place of a home itself: kind, how it comes there, and what is told. `h` is the home, `h.real` the real one. */
const IN_PLACE_OF_A_HOME: readonly (readonly [string, string, string])[] = [
  ["link to root's file", "ln -s /root/canary/file $h", "is a symbolic link"],
  ["link to root's directory", "ln -s /root/canary/directory $h", "is a symbolic link"],
  ["link to the real home", "ln -s $h.real $h", "is a symbolic link"],
  ["dangling link", "ln -s /root/canary/new $h", "is a symbolic link"],
  ["link loop", "ln -s $h $h", "is a symbolic link"],
  ["hard link to root's file", "ln /root/canary/file $h", "is a file"],
  ["pipe", "mkfifo $h", "is a pipe"],
  [
    "socket",
    "node -e 'require(\"net\").createServer().listen(process.argv[1],()=>process.kill(process.pid,9))' $h",
    "is a socket",
  ],
  ["the other sort", "echo mine > $h", "is a file"],
  ["20 GiB without content", "truncate -s 20G $h", "is a file"],
  ["somebody else's directory", "install -d -o good -g good -m 700 $h", "belongs to uid 7200"],
];

test("whatever is in the place of a home is refused by name before anything is started there, and what is open is closed", async () => {
  await clear();
  await host.workstation("reconcile");
  const scripts = IN_PLACE_OF_A_HOME.map(
    ([, script], at) =>
      `h=/home/kind${at}; mv $h $h.real; ${script} || { true; }; chown -h kind${at}: $h; ${at === 10 ? "chown good: $h" : "true"}`,
  );
  // The last one opens and closes their own home: to everybody, and to themselves.
  await host.sh(
    `${scripts.join("\n")}\nchmod 777 /home/kind11; chown root: /root/canary/file; rm /home/good/start-claude.sh`,
  );
  const before = await canary();
  const said = await host.workstation("reconcile");
  expect([...said.out].sort()).toEqual(["good: wrote ~/start-claude.sh", "kind11: set /home/kind11 to mode 0700"]);
  for (const [at, [kind, , why]] of IN_PLACE_OF_A_HOME.entries()) {
    const mine = said.err.filter((line) => line.startsWith(`failed: kind${at}:`)).join("\n");
    expect([kind, mine]).toEqual([kind, expect.stringContaining(`kind${at}: account: /home/kind${at} ${why}`)]);
    expect([kind, mine]).toEqual([kind, expect.stringContaining(`kind${at}: clones: /home/kind${at} ${why}`)]);
  }
  const foreign = (text: string) => text.split("\n").filter((line) => !line.includes("/home/good"));
  const known = new Set(foreign(before));
  expect(foreign(await canary()).filter((line) => !known.has(line))).toEqual([]);
  expect(await host.sh("cat /root/canary/file; stat -c '%U %a' /home/kind11; ls -A /home/kind10 | wc -l")).toBe(
    "root\nkind11 700\n0",
  );
  await host.sh(IN_PLACE_OF_A_HOME.map((_, at) => `h=/home/kind${at}; rm -rf $h; mv $h.real $h`).join("\n"));
  // Swapped with a link to root's directory, as fast as it goes: by root here, since nobody else can write in /home.
  await host.sh("ln -s /root/canary/directory /home/swap; chmod 0 /home/kind10");
  await host.sh(
    'systemd-run --quiet --unit=swap perl -e \'while(1){syscall(316,-100,"/home/kind9",-100,"/home/swap",2); select(undef,undef,undef,0.001)}\'',
  );
  const swapped = await canary();
  for (let run = 0; run < 3; run += 1) await host.workstation("reconcile");
  await host.sh(
    "systemctl stop swap; [ -L /home/kind9 ] && { mv -T /home/kind9 /home/s; mv -T /home/swap /home/kind9; mv /home/s /home/swap; }; rm /home/swap; true",
  );
  const then = new Set(foreign(swapped));
  expect(foreign(await canary()).filter((line) => !then.has(line))).toEqual([]);
  expect(await host.sh("stat -c '%a %U' /root/canary/directory /home/kind10")).toBe("755 root\n700 kind10");
  await host.workstation("reconcile");
});

test("root opens nothing below a home, and nothing in /tmp", async () => {
  await host.sh(
    "strace -f -qq -e trace=%file -o /srv/trace env -i PATH=/usr/bin:/bin node /usr/lib/workstation/agent.mjs reconcile || true",
    { timeoutMs: 240_000 },
  );
  const touched = await host.sh(
    "grep -E '\"/home/[a-z0-9]+/|\"/tmp/' /srv/trace | grep -v ENOENT | head; grep -c . /srv/trace",
  );
  expect(touched).toMatch(/^\d{3,}$/);
});
