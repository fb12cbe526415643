/** What runs as a person: the worker that root starts and does not trust, and the launcher that they start themselves. */
import { afterAll, beforeAll, expect, test } from "vitest";
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
  await host.workstation("reconcile");
  const seen = (await host.sh("cat /home/w0/seen")).split("\n");
  await harmless();
  expect(seen[1]).toBe("0");
  expect((seen[2] ?? "").split(" ").filter((name) => /SUDO|SSH|GIT|LD_|NODE|FAILPOINT/.test(name))).toEqual([]);
  expect(seen.join("\n")).toMatch(/^Uid:\t7600\t7600\t7600\t7600$/m);
  expect(seen.join("\n")).toMatch(/^NoNewPrivs:\t1$/m);
  expect(seen.join("\n")).toMatch(/^CapEff:\t0{16}$/m);
  expect(seen.join("\n")).toContain("no new privileges");
  expect(seen.at(-1)).toBe("/usr/bin/node /usr/lib/workstation/worker.cjs");
});

test("what a worker starts and leaves behind ends with it", async () => {
  await inTheWorker("for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 9876 >/dev/null 2>&1 & done");
  await host.workstation("reconcile");
  await harmless();
  expect(await host.sh("pgrep -c -f '[s]leep 9876'; true")).toBe("0");
});

test("a fork bomb, a flood of a GiB and a stopped worker are one person's failure at most, and the others converge", async () => {
  for (const bomb of [
    "while :; do sleep 9875 & done",
    "head -c 1000000000 /dev/zero | tr '\\0' x >&2; head -c 1000000000 /dev/zero",
    "for p in $(pgrep -u $(id -u) node); do kill -STOP $p; done; setsid sleep 9874 &",
  ]) {
    await inTheWorker(bomb);
    await host.sh(`for h in ${others.map((p) => p.osUser).join(" ")}; do rm /home/$h/start-claude.sh; done`);
    const started = performance.now();
    const said = await host.workstation("reconcile");
    expect(performance.now() - started).toBeLessThan(200_000);
    expect(said.out.filter((line) => line.endsWith("wrote ~/start-claude.sh")).sort()).toEqual(
      others.map((p) => `${p.osUser}: wrote ~/start-claude.sh`),
    );
    expect(
      said.err.filter((line) => line.startsWith("failed: ")).every((line) => line.startsWith("failed: w0: clones:")),
    ).toBe(true);
    expect(
      await host.sh(
        "systemctl list-units --plain --no-legend 'workstation-worker-*' | wc -l; pgrep -c -f '[s]leep 987'; true",
      ),
    ).toBe("0\n0");
  }
  await harmless();
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
}, 900_000);

test("a worker that is killed by its own person is told as that, and nothing of its half report is believed to be whole", async () => {
  await inTheWorker("pkill -9 -u $(id -u) node");
  const said = await host.workstation("reconcile");
  await harmless();
  expect(said.code).toBe(1);
  expect(said.err.join("\n")).toContain("failed: w0: clones: their worker broke off");
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
});

test("one of ten who fails is named, nine converge, the run ends red, in at most twice the time", async () => {
  await host.workstation("reconcile");
  const timed = async () => {
    const started = performance.now();
    const said = await host.workstation("reconcile");
    return { ms: performance.now() - started, said };
  };
  const calm = await timed();
  expect(calm.said).toMatchObject({ code: 0, out: ["nothing to change"] });
  await host.sh("rm ~/.gitconfig; mkfifo ~/.gitconfig", { as: first.osUser });
  await host.sh(`for h in ${others.map((p) => p.osUser).join(" ")}; do rm /home/$h/start-claude.sh; done`);
  const { ms, said } = await timed();
  await host.sh("rm ~/.gitconfig", { as: first.osUser });
  expect(said.code).toBe(1);
  expect(said.err.filter((line) => line.startsWith("failed:")).map((line) => line.slice(0, 19))).toEqual([
    "failed: w0: clones:",
  ]);
  expect(said.out).toHaveLength(9);
  expect(ms).toBeLessThan(2 * calm.ms + 1000);
  await host.workstation("reconcile");
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
