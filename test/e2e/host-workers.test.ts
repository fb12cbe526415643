/** What runs as a person: the worker that root starts and does not trust, and the launcher that they start themselves. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { clones, portsOf, units } from "./host/parts.ts";
import {
  first,
  INSTALL_ASSISTANT,
  launchersIn,
  startWorkersHost,
  WORKERS,
  type WorkersHost,
  WROTE_LAUNCHERS,
} from "./host/workers.ts";

let host: WorkersHost;
beforeAll(async () => {
  host = await startWorkersHost("workers", 5);
});
afterAll(() => host.vm.stop());

test("a worker has nothing of root's: three descriptors, its own environment, no new rights", async () => {
  await host.inTheWorker(`w=$PPID; while [ "$(cat /proc/$w/comm)" != node ]; do w=$(awk '/^PPid/ {print $2}' /proc/$w/status); done
{ ls /proc/$w/fd | tr '\\n' ' '; echo; ls -l /proc/$w/fd | grep -c -e /var -e /etc -e /root; tr '\\0' '\\n' < /proc/$w/environ | cut -d= -f1 | sort | tr '\\n' ' '; echo
grep -E '^(NoNewPrivs|CapEff|CapBnd|Uid):' /proc/$w/status; sudo -n true 2>&1 | head -1; readlink /proc/$w/cwd; tr '\\0' ' ' < /proc/$w/cmdline; } > ~/seen 2>&1`);
  // A delivery starts the worker without a probe before it, which would run the same.
  await host.apply(clones(first));
  const seen = (await host.sh("cat /home/w0/seen")).split("\n");
  await host.harmless();
  expect(seen[1]).toBe("0");
  expect((seen[2] ?? "").split(" ").filter((name) => /SUDO|SSH|GIT|LD_|NODE|FAILPOINT/.test(name))).toEqual([]);
  expect(seen.join("\n")).toMatch(/^Uid:\t7600\t7600\t7600\t7600$/m);
  expect(seen.join("\n")).toMatch(/^NoNewPrivs:\t1$/m);
  expect(seen.join("\n")).toMatch(/^CapEff:\t0{16}$/m);
  expect(seen.join("\n")).toContain("no new privileges");
  expect(seen.at(-1)).toBe("/usr/bin/node --v8-pool-size=1 /usr/lib/workstation/worker.cjs");
});

test("what a worker starts and leaves behind ends with it", async () => {
  await host.inTheWorker("for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 9876 >/dev/null 2>&1 & done");
  await host.workstation("reconcile");
  await host.harmless();
  expect(await host.sh("pgrep -c -f '[s]leep 9876'; true")).toBe("0");
});

test("a remote that hung is asked in the background from then on: runs do not wait for it, and what it owes arrives", async () => {
  await host.sh("git -C ~/code remote set-url forgejo http://127.0.0.1:8080/hang/infra", { as: first.osUser });
  const said = await host.workstation("reconcile");
  expect(said.err.join("\n")).toContain("w0: warning: a remote did not answer in time; it is retried");
  expect(await host.sh("systemctl is-active workstation-finish; true")).toBe("activating");
  const status = JSON.parse((await host.workstation("status --json")).out.join(""));
  expect(status.people[0].unfinished).toMatch(/^20\d\d-/);
  // The background has the person's lock: a run goes on without their worker.
  await host.removeLaunchers();
  const again = await host.workstation("reconcile");
  expect([again.code, launchersIn(again.out)]).toEqual([0, WROTE_LAUNCHERS]);
  expect(again.err).toEqual([expect.stringContaining("w0: warning: a remote did not answer in time")]);
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

test("a worker that is killed by its own person is told as that, and nothing of its half report is believed to be whole", async () => {
  await host.inTheWorker("pkill -9 -u $(id -u) node");
  const said = await host.workstation("reconcile");
  await host.harmless();
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
  await host.sh(INSTALL_ASSISTANT, { as: "w1" });
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
