/** Tests what a restore makes and reports on a server that it has started: real tmux, with a configuration of its person's. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../../agent/lib/exec.ts";
import { socketFolder } from "../../../../agent/shared/sessions/tmux-socket.ts";
import { recreate } from "../../../../agent/user/sessions/recreate-sessions.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";
import { PANE } from "../../../../agent/user/sessions/unused-sessions.ts";

const RESUME = new URL("../../../../agent/files/resume.sh", import.meta.url).pathname;
const ID = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
const uid = process.getuid?.() ?? -1;

let home: string;
let server: ChildProcess;
let tmux: Tmux;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "workstation-recreate-"));
  // The lock lies in it.
  mkdirSync(socketFolder(uid), { recursive: true, mode: 0o700 });
  const env = { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8" };
  const attempt = (args: readonly string[]) =>
    run(
      ["/usr/bin/tmux", "-u", "-S", join(home, "socket"), ...args.map((one) => (one === PANE ? `${home}/pane` : one))],
      {
        timeoutMs: 5000,
        env,
      },
    );
  tmux = {
    hasSocket: () => existsSync(join(home, "socket")),
    try: attempt,
    ask: async (args) => {
      const ran = await attempt(args);
      return ran.code === 0 ? ran.stdout : undefined;
    },
  };
});
afterEach(async () => {
  // One that has ended with its last session tells nothing any more.
  const ended = server.exitCode === null ? once(server, "close") : undefined;
  server.kill("SIGKILL");
  await ended;
  rmSync(home, { recursive: true, force: true });
});

/** A server without a session but for those of the configuration, and what a conversation's pane runs. */
function start(configuration: string, pane = "exec sleep 60"): void {
  const folder = join(home, ".claude/projects", home.replace(/[^A-Za-z0-9]/g, "-"));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${ID}.jsonl`), `${JSON.stringify({ cwd: home })}\n`);
  writeFileSync(join(home, "pane"), `#!/bin/sh\n${pane}\n`);
  chmodSync(join(home, "pane"), 0o755);
  writeFileSync(join(home, "conf"), configuration);
  server = spawn("/usr/bin/tmux", ["-u", "-D", "-S", join(home, "socket"), "-f", join(home, "conf")], {
    env: { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", SHELL: "/bin/sh" },
    cwd: home,
    stdio: "ignore",
  });
}

const restore = async (started = true) => {
  const sessions = [
    { name: "main", directory: home, conversation: ID },
    { name: "two", directory: home },
  ];
  const task = { sessions, seenAtMs: Date.now(), chosen: false, started };
  const answer = await recreate(tmux, { uid, home }, task);
  return answer.server === "running" ? answer.outcomes : answer.server;
};
const windows = async () =>
  (
    await tmux.ask(["list-windows", "-a", "-F", "#{session_name} #{window_active}|#{@workstation_conversation}"])
  )?.trim();

const TWO = { name: "two", how: "shell" };

test("a session of that name that the configuration has made gets the conversation as a window, and goes on", async () => {
  start("new-session -d -s main\n");
  expect(await restore()).toEqual([{ name: "main", how: "conversation" }, TWO]);
  expect(await windows()).toBe(`main 0|${ID}\nmain 1|${ID}\ntwo 1|`);
});

test.each([
  ["runs a program", "new-session -d -s main 'sleep 60'\n"],
  ["was given a command by keys", "new-session -d -s main\nsend-keys -t main 'sleep 60' Enter\n"],
  ["has two panes", "new-session -d -s main\nsplit-window -d -t main\n"],
  [
    "runs another default program",
    "set -g default-command 'sleep 60'\nnew-session -d -s main\nset -gu default-command\n",
  ],
])("where it %s, the conversation is named as not restored, and nothing is touched", async (_, configuration) => {
  start(configuration);
  const why = expect.stringMatching(/^a session of that name runs, .*; if it is not, rename that session/);
  expect(await restore()).toEqual([{ name: "main", how: "failed", why }, TWO]);
  expect(await windows()).toBe("main 1|\ntwo 1|");
});

test("a session whose program fails a moment later is not reported as restored", async () => {
  start("", "sleep 0.1\nexit 1");
  expect(await restore()).toEqual([{ name: "main", how: "failed", why: "it ended at once" }, TWO]);
  expect(await windows()).toBe("two 1|");
});

test("a window whose program fails a moment later is not reported as restored either", async () => {
  start("new-session -d -s main\n", "sleep 0.1\nexit 1");
  expect(await restore()).toEqual([{ name: "main", how: "failed", why: "it ended at once" }, TWO]);
});

test("a session that tmux ends since nobody is attached is reported with the option that does it", async () => {
  start("set -g destroy-unattached on\n");
  const why = "tmux ended it at once, since their option destroy-unattached is on";
  expect(await restore()).toEqual(["main", "two"].map((name) => ({ name, how: "failed", why })));
});

test.each([
  ["stays in its pane", "set -g remain-on-exit on\n", "its program ended at once; its pane shows what that said"],
  ["leaves its session to another pane", "set-hook -g after-new-session 'split-window -d'\n", "it ended at once"],
])("a program that fails and %s does not count as restored", async (_, configuration, why) => {
  start(configuration, "sleep 0.1\nexit 1");
  expect(await restore()).toEqual([{ name: "main", how: "failed", why }, TWO]);
});

test("a session in which the assistant fails at once is one with a shell, and says so", async () => {
  writeFileSync(join(home, "shell"), "#!/bin/sh\nexec sleep 60\n");
  chmodSync(join(home, "shell"), 0o755);
  start("", `SHELL=${home}/shell exec sh ${RESUME} ${ID}`);
  expect(await restore()).toEqual([{ name: "main", how: "shell", why: "the assistant ended with 127" }, TWO]);
});

/** Takes the transcripts away, as a mount that comes late. @returns what brings them back */
function hideTranscripts(): () => void {
  const projects = join(home, ".claude/projects");
  renameSync(projects, `${projects}-away`);
  symlinkSync("projects", projects);
  return () => {
    rmSync(projects);
    renameSync(`${projects}-away`, projects);
  };
}
const RESTORED = { name: "main", how: "conversation" };
const THERE = ["main", "two"].map((name) => ({ name, how: "there" }));
const UNRESUMABLE = {
  name: "main",
  how: "failed",
  why: `its conversation ${ID} cannot be resumed: its transcript cannot be read (ELOOP)`,
};

test("a shell for a transcript that cannot be read keeps its conversation, which a later restore opens in it", async () => {
  start("");
  const returns = hideTranscripts();
  const why = `the transcript of its conversation ${ID} cannot be read (ELOOP)`;
  expect(await restore()).toEqual([{ name: "main", how: "shell", why, unread: true }, TWO]);
  expect(await windows()).toBe(`main 1|${ID}\ntwo 1|`);
  expect((await restore(false))[0]).toEqual(UNRESUMABLE);
  returns();
  expect((await restore(false))[0]).toEqual(RESTORED);
  expect(await windows()).toBe(`main 0|${ID}\nmain 1|${ID}\ntwo 1|`);
  // Once, also after the assistant has ended and its window is gone.
  await tmux.try(["kill-window", "-t", "main"]);
  expect(await restore(false)).toEqual(THERE);
});

test.each([
  ["a conversation was noted", ["set-option", "-p", "-t", "main", "@workstation_started", `${ID}-1`]],
  ["there is a second pane", ["split-window", "-d", "-t", "main"]],
])("a shell that kept a conversation and in which %s is a session that goes on", async (_, command) => {
  start("");
  const returns = hideTranscripts();
  await restore();
  returns();
  await tmux.try(command);
  expect(await restore(false)).toEqual(THERE);
});

test("a session of the configuration keeps a conversation that cannot be read, and does not count as restored", async () => {
  start("new-session -d -s main\n");
  const returns = hideTranscripts();
  expect(await restore()).toEqual([UNRESUMABLE, TWO]);
  expect(await windows()).toBe(`main 1|${ID}\ntwo 1|`);
  returns();
  expect((await restore(false))[0]).toEqual(RESTORED);
});

test("a session of the configuration that runs a program does not count as restored where the transcript cannot be read", async () => {
  start("new-session -d -s main 'sleep 60'\n");
  hideTranscripts();
  expect(await restore()).toEqual([UNRESUMABLE, TWO]);
  expect(await windows()).toBe("main 1|\ntwo 1|");
  expect((await restore(false))[0]).toEqual({ ...UNRESUMABLE, how: "there" });
});

test("a session of the configuration does not count as restored while its conversation may be open elsewhere", async () => {
  // Which of the two is in it nothing tells.
  const other = (name: string) =>
    `new-session -d -s ${name} 'sleep 60'\nset-option -t ${name} @workstation_conversation ${ID}\n`;
  start(`new-session -d -s main\n${other("x")}${other("y")}`);
  const why = expect.stringMatching(/^its conversation may be open in session "x" or session "y"; if it is not, run/);
  expect(await restore()).toEqual([{ name: "main", how: "failed", why }, TWO]);
  expect(await windows()).toBe(`main 1|\ntwo 1|\nx 1|${ID}\ny 1|${ID}`);
});

test("a look that is not answered is not taken for an end", async () => {
  start("");
  const silent: Tmux = {
    ...tmux,
    try: async (args) => ({
      ...(await tmux.try(args)),
      ...(args[0] === "list-panes" ? { code: undefined, timedOut: true } : {}),
    }),
  };
  const sessions = [{ name: "two", directory: home }];
  const answer = await recreate(
    silent,
    { uid, home },
    { sessions, seenAtMs: Date.now(), chosen: false, started: true },
  );
  const why = "tmux did not answer when it was looked at again";
  expect(answer).toMatchObject({ outcomes: [{ name: "two", how: "failed", why }] });
});

test("the options of many conversations are set by few clients", async () => {
  start("");
  const ids = Array.from({ length: 250 }, (_, at) => ID.slice(0, -3) + String(at + 100));
  for (const id of ids)
    writeFileSync(
      join(home, ".claude/projects", home.replace(/[^A-Za-z0-9]/g, "-"), `${id}.jsonl`),
      `${JSON.stringify({ cwd: home })}\n`,
    );
  let clients = 0;
  const counted: Tmux = {
    hasSocket: tmux.hasSocket,
    try: (args) => {
      clients += 1;
      return tmux.try(args);
    },
    ask: tmux.ask,
  };
  const sessions = ids.map((conversation) => ({ name: `s${conversation}`, directory: home, conversation }));
  const answer = await recreate(
    counted,
    { uid, home },
    { sessions, seenAtMs: Date.now(), chosen: false, started: true },
  );
  expect(answer).toMatchObject({ outcomes: sessions.map(({ name }) => ({ name, how: "conversation" })) });
  const set = (await tmux.ask(["list-sessions", "-F", "#{@workstation_conversation}"]))?.trim().split("\n");
  expect(set?.sort()).toEqual(ids);
  expect(clients).toBeLessThan(60);
}, 60_000);
