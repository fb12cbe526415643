/** What runs as a person: the worker that root starts and does not trust, and the launcher that they start themselves. */
import { cpus, loadavg } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOURLY_LIMITS, scaledForLoad } from "../../agent/root/people/worker-pool.ts";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, maps, portsOf, type Somebody, units } from "./host/parts.ts";

const people = Array.from(
  { length: 10 },
  (_, at): Somebody => ({ osUser: `w${at}`, uid: 7600 + at, groups: at === 0 ? ["sudo"] : [] }),
);
const [first = { osUser: "", uid: 0 }, ...others] = people;

let host: TestHost;
beforeAll(async () => {
  host = await startTestHost("workers", 5);
  await host.apply(base({ commands: { t3: ["/bin/true"], browser: ["/bin/true"], credentialSync: ["/bin/true"] } }));
  await host.apply(maps(people));
  for (const who of people) for (const part of [account, clones]) await host.apply(part(who));
  expect((await host.workstation("settle")).code).toBe(0);
});
afterAll(() => host.vm.stop());

/** Git runs this for a remote over ssh, in the middle of the worker, as the person. */
const inTheWorker = (script: string) =>
  host.sh(
    `cd; mkdir -p .ssh; cat > evil; chmod 755 evil; printf 'Host *\\n  ProxyCommand %s/evil\\n' $HOME > .ssh/config; chmod 600 .ssh/config; git -C code remote add evil ssh://nobody@nowhere/x 2>/dev/null; true`,
    { as: first.osUser, input: `#!/bin/sh\n${script}\nexit 1\n` },
  );
const harmless = () => host.sh("rm -rf ~/evil ~/.ssh; git -C ~/code remote remove evil", { as: first.osUser });

test("a worker has nothing of root's: three descriptors, its own environment, no new rights", async () => {
  await inTheWorker(`w=$PPID; while [ "$(cat /proc/$w/comm)" != node ]; do w=$(awk '/^PPid/ {print $2}' /proc/$w/status); done
{ ls /proc/$w/fd | tr '\\n' ' '; echo; ls -l /proc/$w/fd | grep -c -e /var -e /etc -e /root; tr '\\0' '\\n' < /proc/$w/environ | cut -d= -f1 | sort | tr '\\n' ' '; echo
grep -E '^(NoNewPrivs|CapEff|CapBnd|Uid):' /proc/$w/status; sudo -n true 2>&1 | head -1; readlink /proc/$w/cwd; tr '\\0' ' ' < /proc/$w/cmdline; } > ~/seen 2>&1`);
  // A delivery starts the worker without a probe before it, which would run the same.
  await host.apply(clones(first));
  const seen = (await host.sh("cat /home/w0/seen")).split("\n");
  await harmless();
  expect(seen[1]).toBe("0");
  expect((seen[2] ?? "").split(" ").filter((name) => /SUDO|SSH|GIT|LD_|NODE|FAILPOINT/.test(name))).toEqual([]);
  expect(seen.join("\n")).toMatch(/^Uid:\t7600\t7600\t7600\t7600$/m);
  expect(seen.join("\n")).toMatch(/^NoNewPrivs:\t1$/m);
  expect(seen.join("\n")).toMatch(/^CapEff:\t0{16}$/m);
  expect(seen.join("\n")).toContain("no new privileges");
  expect(seen.at(-1)).toBe("/usr/bin/node --v8-pool-size=1 /usr/lib/workstation/worker.cjs");
});

test("what a worker starts and leaves behind ends with it", async () => {
  await inTheWorker("for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 9876 >/dev/null 2>&1 & done");
  await host.workstation("reconcile");
  await harmless();
  expect(await host.sh("pgrep -c -f '[s]leep 9876'; true")).toBe("0");
});

const others9 = others.map((p) => p.osUser).join(" ");
/** How much longer than on a quiet machine a run now waits for who hangs: it gives everybody more time on a busy one. */
const busyMs = () => {
  const { minDeadlineMs, minAbortDelayMs } = scaledForLoad(HOURLY_LIMITS, loadavg()[0] ?? 0, cpus().length);
  return minDeadlineMs - HOURLY_LIMITS.minDeadlineMs + minAbortDelayMs - HOURLY_LIMITS.minAbortDelayMs;
};
/** Everybody's worker is wanted: a file of theirs is gone. */
const timed = async () => {
  await host.sh(`for h in ${others9}; do rm -f /home/$h/start-claude.sh; done`);
  const longerMs = busyMs();
  const started = performance.now();
  const said = await host.workstation("reconcile");
  const ms = performance.now() - started;
  const wrote = said.out.filter((line) => line.endsWith("wrote ~/start-claude.sh"));
  return { ms, quietMs: ms - Math.max(longerMs, busyMs()), said, wrote: wrote.sort() };
};
const nine = others.map((p) => `${p.osUser}: wrote ~/start-claude.sh`);
const failedOf = ({ err }: { readonly err: readonly string[] }) => [
  ...new Set(err.flatMap((line) => /^failed: ([^:]+: [^:]+)/.exec(line)?.[1] ?? [])),
];

const WORKERS = "systemctl list-units --plain --no-legend 'workstation-worker-*' | wc -l";

/** What one of ten does. A remote that does not answer is a warning, the others may be a failure. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ["starts processes without end", "while :; do sleep 9875 & done"],
  ["says a GiB", "head -c 1000000000 /dev/zero | tr '\\0' x >&2; head -c 1000000000 /dev/zero"],
  ["has a remote that never answers", "sleep 9873"],
];

test.each(HOSTILE)(
  "one of ten who %s keeps none of the nine waiting, and the run takes twice its time at most",
  async (what, script) => {
    const calm = await timed();
    expect([calm.said.code, calm.wrote]).toEqual([0, nine]);
    await inTheWorker(script);
    const { quietMs, said, wrote } = await timed();
    const left = await host.sh(
      `systemctl stop workstation-finish; for i in $(seq 30); do [ $(${WORKERS}) = 0 ] && break; sleep 0.1; done; ${WORKERS}; pgrep -c -f '[s]leep 987'; true`,
    );
    await harmless();
    await host.sh("rm -rf /var/lib/workstation/unfinished");
    expect(wrote).toEqual(nine);
    expect([said.code, failedOf(said)]).toEqual(
      said.code === 0 || what.includes("remote") ? [0, []] : [1, ["w0: clones"]],
    );
    expect(said.err.every((line) => line.includes("w0"))).toBe(true);
    expect(left).toBe("0\n0");
    expect(quietMs).toBeLessThan(2 * calm.ms + 2000);
    expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
  },
);

test("one of ten who stops their worker is named, and keeps nobody waiting", async () => {
  const calm = await timed();
  await host.sh(
    `systemd-run --quiet --unit=stopper --uid=${first.uid} sh -c 'while :; do pkill -STOP -u ${first.uid} -x node; sleep 0.1; done'; rm /home/w0/start-claude.sh`,
  );
  const { quietMs, said, wrote } = await timed();
  const left = await host.sh(
    "systemctl stop stopper; systemctl list-units --plain --no-legend 'workstation-worker-*' | wc -l; pgrep -c -u w0 -x node; true",
  );
  expect([said.code, failedOf(said), wrote, left]).toEqual([1, ["w0: clones"], nine, "0\n0"]);
  expect(said.err.join("\n")).toContain(
    "was still running when all others had ended, did not stop when it was told to, and was killed",
  );
  expect(quietMs).toBeLessThan(2 * calm.ms + 2000);
  await host.converge();
});

test("one of ten whose home holds a pipe where git's configuration belongs is named, and keeps nobody waiting", async () => {
  const calm = await timed();
  await host.sh("rm ~/.gitconfig; mkfifo ~/.gitconfig", { as: first.osUser });
  const { quietMs, said, wrote } = await timed();
  await host.sh("rm ~/.gitconfig", { as: first.osUser });
  expect([said.code, failedOf(said), wrote]).toEqual([1, ["w0: clones"], nine]);
  expect(quietMs).toBeLessThan(2 * calm.ms + 2000);
  await host.converge();
});

test("a remote that hung is asked in the background from then on: runs do not wait for it, and what it owes arrives", async () => {
  await host.sh("git -C ~/code remote set-url forgejo http://127.0.0.1:8080/hang/infra", { as: first.osUser });
  const said = await host.workstation("reconcile");
  expect(said.err.join("\n")).toContain("w0: warning: a remote did not answer in time; it is retried");
  expect(await host.sh("systemctl is-active workstation-finish; true")).toBe("activating");
  const status = JSON.parse((await host.workstation("status --json")).out.join(""));
  expect(status.people[0].unfinished).toMatch(/^20\d\d-/);
  // The background has the person's lock: a run goes on without their worker.
  const again = await timed();
  expect([again.said.code, again.wrote]).toEqual([0, nine]);
  expect(again.said.err).toEqual([expect.stringContaining("w0: warning: a remote did not answer in time")]);
  // Whoever ends the background ends what it has started as somebody.
  const ended = await host.sh(
    `for i in $(seq 100); do [ $(${WORKERS}) = 1 ] && pgrep -u w0 git >/dev/null && break; sleep 0.1; done; ${WORKERS}; systemctl stop workstation-finish; for i in $(seq 30); do [ $(${WORKERS}) = 0 ] && break; sleep 0.1; done; ${WORKERS}; pgrep -c -u w0 git; true`,
  );
  expect(ended).toBe("1\n0\n0");
  await host.sh(
    "git -C ~/code remote set-url forgejo http://127.0.0.1:8080/open/infra-push; git -C ~/code reset -q --hard HEAD",
    { as: first.osUser },
  );
  await host.sh(
    "cd /srv/work/infra; date +%N > late; git add .; git -c user.name=t -c user.email=t commit -qm late; git push -q push master; git push -q origin master",
  );
  expect((await host.workstation("finish")).out).toEqual(["w0: updated ~/code, master was behind 1"]);
  await host.workstation("reconcile");
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"], err: [] });
});

test("a background run that is ended at any moment of its beginning, on a busy machine too, leaves nobody's worker behind", async () => {
  await host.sh("git -C ~/code remote set-url forgejo http://127.0.0.1:8080/hang/infra", { as: first.osUser });
  await host.workstation("reconcile");
  const seen = await host.sh(
    `busy=; for i in 1 2 3 4 5 6 7 8; do timeout 60 sh -c 'while :; do :; done' & busy="$busy $!"; done
for moment in 0.3 0.5 0.6 0.7 0.8 0.9 1.0 1.2 1.4 1.7; do
  systemctl stop workstation-finish; systemctl start --no-block workstation-finish; sleep $moment; systemctl stop workstation-finish
  for i in $(seq 30); do [ $(${WORKERS}) = 0 ] && break; sleep 0.1; done; ${WORKERS}
done; kill $busy; cut -d, -f2 /var/lib/workstation/unfinished/w0.json`,
  );
  // Being ended is no try of theirs: what is owed is asked for again at once.
  expect(seen.split("\n")).toEqual([...Array.from({ length: 10 }, () => "0"), '"tries":0}']);
  await host.sh("git -C ~/code remote set-url forgejo http://127.0.0.1:8080/open/infra-push", { as: first.osUser });
  expect((await host.workstation("finish")).err).toEqual([]);
  await host.workstation("reconcile");
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"], err: [] });
});

test("a first clone that is slow is not lost: the delivery ends in its time and the clone arrives in the background", async () => {
  const late: Somebody = { osUser: "w9x", uid: 7699, infra: { origin: "http://127.0.0.1:8080/late/infra" } };
  const started = performance.now();
  await host.apply(maps([...people, late]));
  await host.apply(account(late));
  expect((await host.apply(clones(late))).err.join("\n")).toContain("did not answer in time; it is retried");
  const settled = await host.workstation("settle");
  // On a busy machine everybody is waited for longer, and then it may have arrived by now.
  const waits = await host.sh("ls /var/lib/workstation/unfinished 2>/dev/null; true");
  expect([settled.code, settled.err.join("\n").includes("still retried in the background for w9x")]).toEqual([
    0,
    waits === "w9x.json",
  ]);
  expect(performance.now() - started).toBeLessThan(60_000);
  await host.sh(
    "for i in $(seq 100); do [ -e /var/lib/workstation/unfinished/w9x.json ] || exit 0; sleep 0.5; done; exit 1",
  );
  expect(await host.sh("git -C ~/code config branch.master.remote", { as: "w9x" })).toBe("forgejo");
});

test("a worker that is killed by its own person is told as that, and nothing of its half report is believed to be whole", async () => {
  await inTheWorker("pkill -9 -u $(id -u) node");
  const said = await host.workstation("reconcile");
  await harmless();
  expect(said.code).toBe(1);
  expect(said.err.join("\n")).toContain("failed: w0: clones: the worker ended early");
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
});

test("a part never shows on a command line or to another person", async () => {
  await host.sh(
    `systemd-run --quiet --unit=watch sh -c 'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; done | grep -o -m1 "Be kind to each" > /run/seen'`,
  );
  await host.apply(clones(first));
  await host.sh("systemctl stop watch");
  expect(
    await host.sh(
      "cat /run/seen; stat -c '%a %U' /var/lib/workstation /var/lib/workstation/parts/clones.w0.json; runuser -u w1 -- ls /var/lib/workstation 2>&1; true",
    ),
  ).toContain("700 root\n600 root\nls: cannot open directory");
});

/** Files as people and attackers leave them; systemd's own reading is the judge. */
const ENVIRONMENTS = [
  "",
  "A=1",
  "T3_PORT=1\\nT3_PORT=2\\n",
  'A="x\\nT3_PORT=1\\ny"\\n',
  "A=x\\\\\\nT3_PORT=1\\n",
  "# c \\\\\\nT3_PORT=1\\n",
  'A="open\\n',
  "A='open\\nT3_PORT=9",
  "  T3_PORT = 7  \\n;x\\nB=2\\n",
  'T3_PORT="1\\n2"\\r\\nLD_PRELOAD=/x\\n',
  "export T3_PORT=4\\nT3_PORT\\n=5\\n",
  "\\\\",
];

test.each(ENVIRONMENTS)(
  "of an environment file that held %j systemd reads the right port, and the person's other values",
  async (text) => {
    const path = `/etc/t3-serve/${first.osUser}.env`;
    const read = `systemd-run --quiet --pipe --wait -p EnvironmentFile=${path} env -0 | tr '\\n\\0' ' \\n' | grep -v -e ^INVOCATION_ID -e ^SYSTEMD_EXEC -e ^JOURNAL | sort; true`;
    await host.sh(`printf '${text.replaceAll("'", "'\\''")}' > ${path}`);
    const before = (await host.sh(read)).split("\n");
    await host.apply(units(first));
    const after = (await host.sh(read)).split("\n");
    const { t3 } = portsOf(first);
    expect(after.filter((line) => line.startsWith("T3_PORT="))).toEqual([`T3_PORT=${t3}`]);
    const foreign = (lines: readonly string[]) => lines.filter((line) => !/^(T3_PORT|BROWSER_PORT)=/.test(line));
    // What systemd took for a part of an unclosed value may be read apart afterwards; nothing else may differ.
    if (!/open|^\\\\$|# c/.test(text)) expect(foreign(after)).toEqual(foreign(before));
  },
);

const session = (name: string, command: string) =>
  host.sh(
    `tmux -u -f /dev/null new-session -d -s '${name}' '${command}'; for i in $(seq 200); do [ -s ~/started ] && break; sleep 0.1; done`,
    { as: "w1" },
  );

test("the launcher starts the assistant with a known conversation, which the session remembers, and leaves a shell when it fails", async () => {
  expect(await host.sh("cd /home/w1 && sh -n start-claude.sh && echo good")).toBe("good");
  await host.sh(
    "mkdir -p ~/.local/bin; printf '#!/bin/sh\\npwd > ~/started; echo \"$@\" >> ~/started; exec sleep 600\\n' > ~/.local/bin/claude; chmod 755 ~/.local/bin/claude; git -C ~/code config user.name w1",
    { as: "w1" },
  );
  await session("my work", "SHELL=/bin/sh ~/start-claude.sh");
  const [cwd, args] = (await host.sh("cat /home/w1/started")).split("\n");
  const option = await host.sh("tmux show-options -v -t '=my work:' @workstation_conversation", { as: "w1" });
  expect(option).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect([cwd, args]).toEqual(["/home/w1/code", `--session-id ${option} --name my work`]);
  await host.sh("pkill -u w1 -x sleep; sleep 4");
  expect(
    await host.sh(
      "tmux display-message -p -t '=my work:' '#{pane_current_command}'; tmux capture-pane -p -t '=my work:' | grep -c ended",
      { as: "w1" },
    ),
  ).toMatch(/^(sh|dash)\n1$/);
});

test("a remote that hangs delays the session by 15 seconds at most, and the clone is as it was", async () => {
  await host.sh(
    "tmux kill-server; rm ~/started; git -C ~/code remote set-url forgejo http://127.0.0.1:8080/hang/infra",
    { as: "w1" },
  );
  const started = performance.now();
  await host.sh(
    "SHELL=/bin/sh timeout 60 sh ~/start-claude.sh >/dev/null 2>&1 & for i in $(seq 300); do [ -s ~/started ] && break; sleep 0.1; done; pkill -u w1 -x sleep; test -s ~/started",
    { as: "w1" },
  );
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(await host.sh("git -C ~/code status --porcelain", { as: "w1" })).toBe("");
});
