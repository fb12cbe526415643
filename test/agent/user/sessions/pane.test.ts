/** Tests that a pane gets its shell with its limit of memory, and one without a limit where none can be set. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const SOURCE = new URL("../../../../agent/files/pane.sh", import.meta.url).pathname;

let folder: string;
let manager: Server;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "workstation-pane-"));
  mkdirSync(join(folder, "systemd"));
  mkdirSync(join(folder, "panes"));
  writeFileSync(join(folder, "panes/ana"), "4G\n");
  writeFileSync(
    join(folder, "pane"),
    readFileSync(SOURCE, "utf8").replaceAll("/etc/workstation/panes", `${folder}/panes`),
  );
  manager = createServer().listen(join(folder, "systemd/private"));
});
afterEach(() => {
  manager.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({
  PATH: `${folder}:/usr/bin:/bin`,
  SHELL: "/bin/sh",
  LOGNAME: "ana",
  XDG_RUNTIME_DIR: folder,
});

/** @param systemdRun what stands in its place */
function pane(systemdRun: string, command: string) {
  writeFileSync(join(folder, "systemd-run"), `#!/bin/sh\n${systemdRun}\n`);
  chmodSync(join(folder, "systemd-run"), 0o755);
  const ran = spawnSync("/bin/sh", [join(folder, "pane"), "-c", command], { env: environment(), encoding: "utf8" });
  return { pid: ran.pid, code: ran.status, out: ran.stdout, err: ran.stderr };
}

const MAKES_SCOPE = `case "$*" in *"-- true");; *) echo "$*" | tr ' ' '\\n' | grep MemoryMax;; esac; while [ "$1" != -- ]; do shift; done; shift; exec "$@"`;

test.each([0, 1, 7])("the shell runs in its scope once, and its exit code %d is the pane's", (code) => {
  expect(pane(MAKES_SCOPE, `echo shell; exit ${code}`)).toMatchObject({ code, out: "MemoryMax=4G\nshell\n", err: "" });
});

const seconds = () => Number(readFileSync("/proc/uptime", "utf8").split(".")[0]);

test("what a restore has tried a moment ago is not tried again, and nothing else in that file counts", () => {
  const tried = join(folder, "workstation-scope-tried");
  const trials = () => {
    rmSync(join(folder, "trials"), { force: true });
    const trial = `case "$*" in *"-- true") echo tried >>${folder}/trials;; esac; ${MAKES_SCOPE}`;
    expect(pane(trial, "echo shell")).toMatchObject({ code: 0, out: "MemoryMax=4G\nshell\n", err: "" });
    return existsSync(join(folder, "trials"));
  };
  expect(trials()).toBe(true);
  writeFileSync(tried, `${seconds()}\n`);
  expect(trials()).toBe(false);
  for (const text of [seconds() - 4, seconds() + 9, "08", "", "-1", "1+1", "x", "9".repeat(30), "$(false)"]) {
    writeFileSync(tried, `${text}\n`);
    expect(trials(), String(text)).toBe(true);
  }
  rmSync(tried);
  for (const make of [["mkdir"], ["mkfifo"], ["ln", "-s", tried]] as const) {
    const [program, ...args] = make;
    execFileSync(program, [...args, tried]);
    expect(trials(), program).toBe(true);
    rmSync(tried, { recursive: true });
  }
});

test("where no scope can be made, the shell runs without one and says so", () => {
  expect(pane("echo 'Failed to connect to bus' >&2; exit 1", "echo shell; exit 3")).toMatchObject({
    code: 3,
    out: "shell\n",
    err: "Failed to connect to bus\nThis terminal has no memory limit of its own: its scope could not be made (systemd-run ended with 1).\n",
  });
});

test.each([
  ["in a scope", MAKES_SCOPE],
  ["where no scope can be made", "exit 1"],
])(
  "a pane's own process is its shell, %s, so what it left in the background is hung up when the pane closes",
  (_, systemdRun) => {
    const { pid, out } = pane(systemdRun, "echo shell $$");
    expect(out).toContain(`shell ${pid}\n`);
  },
);

test("an interrupt is the program's in the pane, whose shell goes on", async () => {
  const tmux = (...args: readonly string[]) =>
    execFileSync("/usr/bin/tmux", ["-u", "-f", "/dev/null", "-S", join(folder, "socket"), ...args], {
      env: { ...environment(), HOME: folder },
      encoding: "utf8",
    });
  pane(MAKES_SCOPE, "true");
  const program = "trap 'echo got' INT; echo on; sleep 60; sleep 60";
  const shows = (text: string) =>
    expect.poll(() => tmux("capture-pane", "-p", "-t", "a"), { timeout: 10_000 }).toContain(text);
  tmux("new-session", "-d", "-s", "a", "--", "/bin/sh", join(folder, "pane"), "-c", program);
  try {
    await shows("on");
    tmux("send-keys", "-t", "a", "C-c");
    await shows("got");
  } finally {
    tmux("kill-server");
  }
});
