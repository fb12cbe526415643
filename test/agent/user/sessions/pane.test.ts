/** Tests that a pane gets its shell with its limit of memory, and one without a limit where none can be set. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
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

/** One more with the same `systemd-run`. */
const again = async (command: string) =>
  (await promisify(execFile)("/bin/sh", [join(folder, "pane"), "-c", command], { env: environment() })).stdout;

const MAKES_SCOPE = `case "$*" in *"-- true");; *) echo "$*" | tr ' ' '\\n' | grep MemoryMax;; esac; while [ "$1" != -- ]; do shift; done; shift; exec "$@"`;

test.each([0, 1, 7])("the shell runs in its scope once, and its exit code %d is the pane's", (code) => {
  expect(pane(MAKES_SCOPE, `echo shell; exit ${code}`)).toMatchObject({ code, out: "MemoryMax=4G\nshell\n", err: "" });
});

test("panes that are opened at once try it once, and one that is opened later tries it again", async () => {
  const trials = () => readFileSync(join(folder, "trials"), "utf8");
  pane(`case "$*" in *"-- true") echo tried >>${folder}/trials; sleep 0.2;; esac; ${MAKES_SCOPE}`, "true");
  expect(trials()).toBe("tried\n");
  rmSync(join(folder, "workstation-scope"));
  const shells = Array.from({ length: 5 }, () => again("echo shell"));
  expect(await Promise.all(shells)).toEqual(shells.map(() => "MemoryMax=4G\nshell\n"));
  expect(trials()).toBe("tried\ntried\n");
  writeFileSync(join(folder, "workstation-scope"), "1 1\n");
  expect(await again("echo shell")).toBe("MemoryMax=4G\nshell\n");
  expect(trials()).toBe("tried\ntried\ntried\n");
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
