/** What is recorded of sessions whose processes run with another group and hide it, by real processes with another group. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planRestore } from "../../../../agent/shared/sessions/restore-plan.ts";
import type { Snapshot } from "../../../../agent/shared/sessions/session-schemas.ts";
import { recordAfterLook } from "../../../../agent/root/sessions/compute-record.ts";
import { withRecorded } from "../../../../agent/root/sessions/keep-hidden.ts";
import { LIST_PANES, readListing } from "../../../../agent/user/sessions/observe-sessions.ts";
import { presentState } from "../../../../agent/user/sessions/present-state.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";

/** The person, their own group, and the one that `newgrp` gave them. */
const [UID, GID, OTHER_GID] = [64_301, 64_301, 64_302];
const id = (letter: string) => `6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a0${letter}`;
/** No rights, no processes of another group. */
const isRoot = process.getuid?.() === 0;

let home: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "workstation-hidden-"));
  mkdirSync(join(home, "bin"));
  writeFileSync(join(home, "bin/claude"), "#!/bin/sh\nsleep 120\nexit 0\n", { mode: 0o755 });
  mkdirSync(join(home, "my cöde"));
  for (const path of [home, join(home, "my cöde")]) chownSync(path, UID, GID);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  if (isRoot) tmux("kill-server || true");
  rmSync(home, { recursive: true });
});

const withOtherGroup = ["--reuid", `${UID}`, "--regid", `${OTHER_GID}`, "--clear-groups"];
const env = () => ({ PATH: `${home}/bin:/usr/bin:/bin`, HOME: home, LC_ALL: "C.UTF-8" });
const tmux = (args: string) =>
  execFileSync("/usr/bin/setpriv", [...withOtherGroup, "sh", "-euc", `tmux -u -f /dev/null -S ~/socket ${args}`], {
    env: env(),
    cwd: "/",
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

/** A process of theirs that hides what it has. @returns its id */
async function hiddenProcess(program: string, extra: Record<string, string> = {}): Promise<number> {
  const argv = [...withOtherGroup, program, "120"];
  const child = spawn("/usr/bin/setpriv", argv, { env: { ...env(), ...extra }, cwd: home, stdio: "ignore" });
  children.push(child);
  // Until then it is still the program that starts it, which names it among its arguments.
  while (readFileSync(`/proc/${child.pid}/cmdline`, "utf8").startsWith("/usr/bin/setpriv\0"))
    await new Promise((resolve) => setTimeout(resolve, 10));
  return child.pid ?? 0;
}

/** What their own worker does, which runs with their own group. */
async function asPerson<T>(act: () => T | Promise<T>): Promise<T> {
  process.setegid?.(GID);
  process.seteuid?.(UID);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
const look = (listing: string) => asPerson(() => readListing(listing, { uid: UID, home }));
const noteNow = (letter: string) =>
  `${id(letter)}-${Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0])) + 1}`;

const recorded = (session: Partial<Snapshot["sessions"][number]>): Snapshot => ({
  version: 1,
  takenAtMs: Date.now(),
  sessions: [{ name: "work", directory: "/home/ana/code", ...session }],
  forgotten: [],
});
const next = (before: Snapshot, { sessions }: Pick<Awaited<ReturnType<typeof look>>, "sessions">) =>
  recordAfterLook(before, withRecorded(sessions, before), Date.now())?.sessions;

test.runIf(isRoot)("in a tmux that was started after newgrp, the directory is what its server reads", async () => {
  tmux(`new-session -d -s work -c "$HOME/my cöde" "claude --session-id ${id("a")}"`);
  tmux("new-session -d -s shell -c / 'sleep 120'");
  // Such a path would be a line of the listing.
  const odd = join(home, "a\n$9 1700000000 11 1 - - forged");
  mkdirSync(odd);
  tmux(`new-session -d -s odd -c '${odd}' 'sleep 120'`);
  execFileSync("/bin/sleep", ["0.3"]);
  const listing = tmux(`${LIST_PANES[0]} -a -F '${LIST_PANES[3]}'`);
  const found = await look(listing);
  expect(found.sessions.map(({ name, directory, hidden }) => [name, directory, hidden])).toEqual([
    ["odd", home, ["directory"]],
    ["shell", "/", undefined],
    ["work", join(home, "my cöde"), ["assistantFolder"]],
  ]);
  expect(found.isWhole).toBe(false);
  expect(found.warnings).toEqual([
    expect.stringMatching(/so what was recorded of the directory stays for session "odd"$/),
    expect.stringMatching(
      /^\/proc\/\d+\/environ cannot be read \(EACCES: the process runs with another group or user\), so it is not certain which conversation belongs to session "work"$/,
    ),
  ]);
});

test.runIf(isRoot)(
  "where nothing tells the directory, what was recorded of the session stays and is named",
  async () => {
    const pid = await hiddenProcess("sleep");
    const found = await look(`$0 1700000000 11 ${pid} ${id("a")} - work\n`);
    expect(next(recorded({ conversation: id("a") }), found)).toBeUndefined();
    expect(found.warnings).toContain(
      `/proc/${pid}/cwd cannot be read (EACCES: the process runs with another group or user), so what was recorded of the directory stays for session "work"`,
    );
    // Nothing was recorded yet.
    expect(next({ ...recorded({}), sessions: [] }, found)).toEqual([
      { name: "work", directory: home, conversation: id("a") },
    ]);
  },
);

test.runIf(isRoot)(
  "an assistant's folder that it hides stays with its conversation, and what its hook has told counts",
  async () => {
    const pid = await hiddenProcess("claude", { CLAUDE_CONFIG_DIR: `${home}/else` });
    const before = recorded({ conversation: id("a"), assistantFolder: `${home}/else` });
    const found = await look(`$0 1700000000 11 ${pid} ${id("a")} ${noteNow("b")} work\t${home}\n`);
    expect(next(before, found)).toEqual([{ name: "work", directory: home, conversation: id("b") }]);
    const silent = await look(`$0 1700000000 11 ${pid} ${id("b")} - work\t/home/ana/code\n`);
    expect(next(before, silent)).toBeUndefined();
  },
);

test.runIf(isRoot)(
  "beside an assistant that was started after newgrp, its pane's shell tells the directory",
  async () => {
    const usual = ["--reuid", `${UID}`, "--regid", `${GID}`, "--clear-groups"].join(" ");
    // The shell that started it goes on with its person's own group.
    const line = `setpriv ${withOtherGroup.join(" ")} claude & exec setpriv ${usual} sleep 120`;
    const cwd = join(home, "my cöde");
    const shell = spawn("/bin/sh", ["-c", line], { env: env(), cwd, stdio: "ignore" });
    children.push(shell);
    execFileSync("/bin/sleep", ["0.3"]);
    const started = Number(readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, "utf8").trim());
    const found = await look(`$0 1700000000 11 ${shell.pid} - ${noteNow("b")} work\n`);
    process.kill(started, "SIGKILL");
    expect(found.sessions).toMatchObject([{ directory: cwd, hidden: ["closerDirectory", "assistantFolder"] }]);
    expect(found.warnings).toEqual([
      `/proc/${started}/cwd cannot be read (EACCES: the process runs with another group or user), so the directory of another process counts, or the recorded one, for session "work"`,
    ]);
    // What was recorded under its name was a shell, or another conversation.
    for (const before of [recorded({}), recorded({ conversation: id("a"), assistantFolder: "/own" })])
      expect(next(before, found)).toEqual([{ name: "work", directory: cwd, conversation: id("b") }]);
    expect(next(recorded({ conversation: id("b"), assistantFolder: "/own" }), found)).toBeUndefined();
  },
);

test.runIf(isRoot)("no conversation is opened beside an assistant that hides where it works", async () => {
  const pid = await hiddenProcess("claude");
  const folder = join(home, ".claude/projects", home.replace(/[^A-Za-z0-9]/g, "-"));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${id("c")}.jsonl`), `${JSON.stringify({ cwd: home })}\n`);
  const planOf = async (listing: string) => {
    const refuse = () => Promise.reject(new Error("nothing is to be changed"));
    const answering: Tmux = { hasSocket: () => true, ask: async () => listing, try: refuse };
    const sessions = [{ name: "lost", directory: home, conversation: id("c") }];
    return await asPerson(async () => {
      const present = await presentState(answering, { uid: UID, home }, "work\n");
      return planRestore({ sessions, seenAtMs: Date.now(), chosen: true }, present);
    });
  };
  for (const path of ["", `\t${home}`])
    expect(await planOf(`$0 1700000000 11 ${pid} - - work${path}\n`)).toMatchObject([
      { state: "shell", why: expect.stringContaining("cannot be read (EACCES)") },
    ]);
  expect(await planOf(`$0 1700000000 11 ${pid} - - work\t/elsewhere\n`)).toMatchObject([{ state: "conversation" }]);
  expect(await planOf(`$0 1700000000 11 ${pid} - ${noteNow("b")} work\n`)).toMatchObject([{ state: "conversation" }]);
});
