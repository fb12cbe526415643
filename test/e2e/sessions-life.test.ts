/** Tests that sessions survive: with real tmux, the emulated assistant and a real boot, hostile users included. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, maps, type Somebody, units } from "./host/parts.ts";
import { hostileServer } from "./host/fake-tmux.ts";

const ana: Somebody = { osUser: "ana_b", uid: 7201, layout: "untouched" };
const bob: Somebody = { osUser: "bob", uid: 7202, layout: "untouched" };
const mallory: Somebody = { osUser: "mallory", uid: 7203, layout: "untouched" };
const everybody = [ana, bob, mallory];

let host: TestHost;
beforeAll(async () => {
  host = await startTestHost("sessions", 13);
  await host.apply(base());
  await host.apply(maps(everybody));
  for (const who of everybody) for (const part of [account, units]) await host.apply(part(who));
  await host.sh("for who in ana_b bob mallory; do install -o $who -g $who /dev/null /home/$who/.zshrc; done");
});
afterAll(() => host.vm.remove());

const as = (who: Somebody, script: string) => host.sh(script, { as: who.osUser });
/** Names with their directory and conversation, as their owner's tmux tells them now. */
const running = async (who: Somebody) =>
  (
    await as(who, "tmux -u list-sessions -F '#{session_name}|#{session_path}|#{@workstation_conversation}' || true")
  ).split("\n");
const persist = async (args: string) => {
  const ran = await host.vm.ssh(`tmux-persist ${args}`, { accept: [0, 1, 2] });
  return { code: ran.code, out: ran.stdout.trimEnd().split("\n"), err: ran.stderr.trimEnd() };
};
const killServer = (who: Somebody) =>
  host.sh(
    `pkill -9 -u ${who.osUser} tmux; while pgrep -u ${who.osUser} -x 'tmux: server' >/dev/null; do sleep 0.1; done; pkill -9 -u ${who.osUser} -x claude || true`,
  );
/** How many workers of theirs have looked at their sessions, or brought some back, so far. */
const workersOf = (who: Somebody) =>
  host.sh(
    `journalctl --sync; journalctl --no-pager -o cat -u 'workstation-sessions-worker-${who.osUser}-*' | grep -c ^Started || true`,
  );
const records = (who: Somebody) => host.sh(`ls /var/lib/tmux-persist/${who.osUser}`);
const pane = (who: Somebody, session: string) => as(who, `tmux -u capture-pane -p -J -t '=${session}:'`);
/** Looks until the pane shows it, since a shell takes its time. */
const shows = async (who: Somebody, session: string, text: string) => {
  for (let tried = 0; tried < 50; tried += 1) {
    const seen = (await pane(who, session)).replaceAll("\n", "");
    if (seen.includes(text)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return pane(who, session);
};

const NAMES = ["=x #{pane_id} #(id) $(id);", "dev", "dev2", String.raw`n\ta\nm "q" ü '`];

test("whatever is in names and paths, a killed server's sessions come back as they were, once", async () => {
  await as(
    ana,
    `mkdir -p 'a dir;' "$(printf 'tab\\there\\nand "ü" \\047q #{x} #(id)')"
tmux -u new-session -d -s dev2 -c "$HOME/a dir\\;"
tmux -u new-session -d -s dev -c "$HOME"
tmux -u new-session -d -s "$(printf 'n\\ta\\nm "q" ü \\047')" -c "$(printf '%s/tab\\there\\nand "ü" \\047q ##{x} ##(id)' "$HOME")"
tmux -u new-session -d -s '=x ##{pane_id} ##(id) $(id)\\;' -c "$HOME"`,
  );
  const before = await running(ana);
  expect(await persist("save")).toEqual({ code: 0, out: ["ana_b: recorded 4 sessions"], err: "" });
  expect(await workersOf(ana)).toBe("0");
  await killServer(ana);
  const kept = await records(ana);
  expect(await persist("save")).toEqual({ code: 0, out: [""], err: "" });
  expect(await records(ana)).toBe(kept);
  const status = await persist("status ana_b");
  expect(status.out[0]).toContain(`0 running, 4 could be restored (${NAMES.join(", ")})`);
  expect(await persist("restore")).toEqual({
    code: 0,
    out: [
      ...NAMES.map((name) => `ana_b: ${name}: restored with a shell`),
      "bob: nothing to restore",
      "mallory: nothing to restore",
    ],
    err: "",
  });
  expect(await running(ana)).toEqual(before);
  expect((await persist("restore ana_b")).out).toEqual(["ana_b: nothing to restore"]);
  expect(await persist("save")).toEqual({ code: 0, out: [""], err: "" });
});

test("only what is missing comes back, by its exact name, and what is forgotten does not", async () => {
  await as(ana, "tmux -u kill-session -t =dev; tmux -u kill-session -t =dev2");
  expect((await persist("forget ana_b dev2")).out).toEqual(["ana_b: dev2: forgotten"]);
  expect(await persist("forget ana_b de")).toMatchObject({ code: 2 });
  expect((await persist("restore ana_b")).out).toEqual(["ana_b: dev: restored with a shell"]);
  await as(ana, "tmux -u kill-session -t =dev");
  expect((await persist("save")).out).toEqual(["ana_b: recorded 2 sessions"]);
  expect((await persist("restore ana_b")).out).toEqual(["ana_b: nothing to restore"]);
  expect((await persist("restore ana_b --record 1")).out).toEqual(["ana_b: dev: restored with a shell"]);
});

test("a conversation goes on after a boot, under the id that a clear gave it, and the launcher's own before that", async () => {
  await as(bob, "mkdir -p work gone; tmux -u new-session -d -s talk -c ~/work 'exec sh ~/start-claude.sh'");
  await shows(bob, "talk", "(startup)");
  await persist("save");
  const launched = await as(bob, "tmux -u show-options -v -t =talk: @workstation_conversation");
  expect(await host.sh("cat /var/lib/tmux-persist/bob/newest")).toContain(`"conversation":"${launched}"`);
  await as(
    bob,
    "tmux -u send-keys -t =talk: /clear Enter; tmux -u new-session -d -s lost -c ~/gone; tmux -u new-session -d -s bare -c ~/work 'exec claude'",
  );
  await shows(bob, "talk", "(clear)");
  await shows(bob, "bare", "(startup)");
  // Of this one nothing tells its conversation but the transcript.
  await as(bob, "tmux -u set-option -p -u -t =bare: @workstation_started");
  await as(bob, `tmux -u set-option -t =lost: @workstation_conversation 6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01`);
  await persist("save");
  const recorded: { sessions: { name: string; conversation?: string }[] } = JSON.parse(
    await host.sh("cat /var/lib/tmux-persist/bob/newest"),
  );
  const cleared = recorded.sessions.find(({ name }) => name === "talk")?.conversation ?? "";
  expect(cleared).not.toBe(launched);
  expect(recorded.sessions.find(({ name }) => name === "bare")?.conversation).toMatch(/^[0-9a-f-]{36}$/);
  // Whose the new conversation is, a worker had to find in the transcripts; the next save knows it again.
  const workers = Number(await workersOf(bob));
  expect(workers).toBeGreaterThan(0);
  expect((await persist("save")).out).toEqual([""]);
  expect(Number(await workersOf(bob))).toBe(workers);
  await as(bob, "rmdir gone");

  await host.vm.reboot();
  expect(
    (await host.sh("systemctl is-active tmux-persist-restore.service tmux-persist-save.timer")).split("\n"),
  ).toEqual(["active", "active"]);
  expect(await shows(bob, "talk", "(resume)")).toContain(`session ${cleared} (resume)`);
  expect(await shows(bob, "lost", "home.")).toContain("its directory is gone: this is a shell in your home");
  expect((await running(bob)).map((line) => line.split("|")[0])).toEqual(["bare", "lost", "talk"]);
  expect((await as(ana, "tmux -u list-sessions -F '#{session_name}'")).split("\n")).toEqual(
    NAMES.filter((name) => name !== "dev2"),
  );
  expect(await host.sh("systemctl show 'tmux-server-bob-*' --property=OOMPolicy,Slice | sort")).toBe(
    "OOMPolicy=continue\nSlice=user-7202.slice",
  );
});

test("a conversation whose transcript is gone leaves a shell and a line that says why", async () => {
  await as(bob, "tmux -u kill-session -t =talk; rm -f .claude/projects/*/*.jsonl");
  const { out, code } = await persist("restore bob");
  expect(code).toBe(0);
  expect(out[0]).toMatch(/^bob: talk: restored with a shell: the transcript of its conversation \S+ is gone$/);
  expect(await shows(bob, "talk", "conversation is gone")).toContain(
    "the record of its conversation is gone: this is a shell",
  );
});

test("two sessions in one directory whose conversations nothing tells apart are recorded without one", async () => {
  await as(mallory, "tmux -u new-session -d -s one claude; tmux -u new-session -d -s two claude");
  await shows(mallory, "one", "(startup)");
  await shows(mallory, "two", "(startup)");
  // The machine's own hook would tell them apart.
  await as(mallory, "for s in one two; do tmux -u set-option -p -u -t =$s: @workstation_started; done");
  await persist("save");
  expect(await host.sh("cat /var/lib/tmux-persist/mallory/newest")).toContain(
    '"sessions":[{"name":"one","directory":"/home/mallory"},{"name":"two","directory":"/home/mallory"}]',
  );
});

test("a fake server makes code run as its own person alone, and its lies cost nobody a record", async () => {
  await killServer(mallory);
  const kept = await records(mallory);
  await hostileServer(host, mallory);
  // Control: a client of root's would run it as root.
  await host.sh(
    "TMUX= tmux -S /tmp/tmux-7203/default list-sessions || true; for i in $(seq 30); do [ -s /srv/who ] && break; sleep 0.1; done",
  );
  expect(await host.sh("cat /srv/who")).toBe("0");
  await host.sh(": > /srv/who");
  expect((await persist("save")).out).toEqual([""]);
  expect((await persist("restore mallory")).err).toContain("mallory: one: not restored");
  await persist("status mallory");
  expect([...new Set((await host.sh("cat /srv/who")).split("\n"))]).toEqual(["7203"]);
  expect(await records(mallory)).toBe(kept);
  await host.sh("systemctl stop fake-tmux");
});

test("whatever else a fake server makes its client do, it is done as its own person and reaches nothing of root's", async () => {
  const kept = await records(mallory);
  await hostileServer(host, mallory, "more");
  // Control: a client of root's hands over the file and runs the program, twice.
  await host.sh(
    "TMUX= timeout 5 tmux -S /tmp/tmux-7203/default list-sessions || true; for i in $(seq 30); do grep -q ^root: /srv/got && break; sleep 0.1; done",
  );
  expect(await host.sh("grep -ac root: /srv/got; sort -u /srv/who")).toMatch(/^[1-9]\d*\n0$/);
  await host.sh(": > /srv/who; : > /srv/got");
  await persist("save");
  await persist("restore mallory");
  await host.sh("workstation-facts mallory");
  expect(await host.sh("grep -ac root: /srv/got || true")).toBe("0");
  expect([...new Set((await host.sh("cat /srv/who")).split("\n"))]).toEqual(["7203"]);
  expect(await records(mallory)).toBe(kept);
  await host.sh("systemctl stop fake-tmux");
});

test("a listing without an end is cut off, told, and costs nobody a record", async () => {
  const kept = await records(mallory);
  await hostileServer(host, mallory, "flood");
  const saved = await persist("save");
  expect(saved.err).toContain("mallory: sessions not recorded: ");
  expect(saved.err).toContain("more than 1 MiB; its answer is ignored");
  expect(await records(mallory)).toBe(kept);
  await host.sh("systemctl stop fake-tmux; rm -rf /tmp/tmux-7203");
});

/** An assistant that keeps its conversations where its environment says. */
const ELSEWHERE = `#!/bin/sh
f=\${CLAUDE_CONFIG_DIR:-$HOME/.claude}/projects/$(pwd | tr -c 'A-Za-z0-9\\n' -)
mkdir -p "$f"
case $1 in
  --resume) [ -f "$f/$2.jsonl" ] || exit 1; echo "went on with $2" ;;
  *) echo "{\\"cwd\\":\\"$PWD\\"}" > "$f/$2.jsonl"; echo "began $2" ;;
esac
while read -r line; do :; done
`;

test("a conversation in a folder of its person's own choice is found there, and goes on", async () => {
  const conversation = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a05";
  await as(
    ana,
    "mkdir -p ~/.local/bin ~/else; cat > ~/.local/bin/claude <<'SCRIPT'\n" +
      ELSEWHERE +
      "SCRIPT\nchmod 755 ~/.local/bin/claude",
  );
  await as(
    ana,
    `tmux -u new-session -d -s elsewhere -c ~/else "CLAUDE_CONFIG_DIR=\\"$HOME/it's mine\\" exec ~/.local/bin/claude --session-id ${conversation}"`,
  );
  await shows(ana, "elsewhere", "began");
  await persist("save");
  expect(await host.sh("cat /var/lib/tmux-persist/ana_b/newest")).toContain(
    `"name":"elsewhere","directory":"/home/ana_b/else","conversation":"${conversation}","assistantFolder":"/home/ana_b/it's mine"`,
  );
  await as(ana, "tmux -u kill-session -t =elsewhere");
  expect((await persist("restore ana_b")).out).toContain("ana_b: elsewhere: restored with its conversation");
  expect(await shows(ana, "elsewhere", "went on")).toContain(`went on with ${conversation}`);
  await as(ana, `tmux -u kill-session -t =elsewhere; mv ~/"it's mine" ~/away; ln -s "it's mine" ~/"it's mine"`);
  // While it cannot be read, a shell keeps it, and the next restore opens it there.
  const unread = await persist("restore ana_b");
  expect([unread.code, unread.err]).toEqual([
    1,
    `ana_b: elsewhere: restored with a shell: the transcript of its conversation ${conversation} cannot be read (ELOOP)`,
  ]);
  expect(await shows(ana, "elsewhere", "--resume")).toContain(
    `CLAUDE_CONFIG_DIR='/home/ana_b/it'\\''s mine' claude --resume ${conversation}`,
  );
  expect((await persist("save")).out).toEqual([""]);
  await as(ana, `rm ~/"it's mine"; mv ~/away ~/"it's mine"`);
  expect(await persist("restore ana_b")).toEqual({
    code: 0,
    out: ["ana_b: elsewhere: restored with its conversation"],
    err: "",
  });
  expect(await shows(ana, "elsewhere", "went on")).toContain(`went on with ${conversation}`);
  await as(ana, "rm ~/.local/bin/claude");
});

test("a server whose socket was deleted is found and makes it anew, and no second one is started", async () => {
  const before = await running(ana);
  const servers = () => host.sh("pgrep -u ana_b -x 'tmux: server' | wc -l");
  expect(await servers()).toBe("1");
  for (const loss of ["rm /tmp/tmux-7201/default", "rm -r /tmp/tmux-7201"]) {
    await as(ana, loss);
    const status = await persist("status ana_b");
    expect([status.code, status.out[0]]).toEqual([
      1,
      expect.stringMatching(/^ana_b: .*their tmux server \(process \d+\) lives, and its socket \S+ is gone/),
    ]);
    const restored = await persist("restore ana_b");
    expect(restored).toMatchObject({ code: 0, out: ["ana_b: nothing to restore"] });
    expect(restored.err).toMatch(/^ana_b: their tmux server .* was gone: it was brought back$/);
    expect(await running(ana)).toEqual(before);
    expect(await servers()).toBe("1");
  }
  await as(ana, "rm /tmp/tmux-7201/default");
  expect((await persist("save")).err).toMatch(/^ana_b: their tmux server .* was gone: it was brought back$/);
  expect(await servers()).toBe("1");
  // One that cannot make it anew is named, and nothing is restored.
  await as(ana, "rm -r /tmp/tmux-7201");
  await host.sh("install -d -m 0700 -o bob -g bob /tmp/tmux-7201");
  expect(await persist("restore ana_b")).toMatchObject({
    code: 1,
    err: expect.stringContaining("belongs to uid 7202"),
  });
  expect(await servers()).toBe("1");
  await host.sh("rm -r /tmp/tmux-7201");
  await persist("restore ana_b");
  expect(await running(ana)).toEqual(before);
});

test("beside a server whose socket another one has replaced nothing is restored, and both are named", async () => {
  const before = await running(ana);
  await as(ana, "rm /tmp/tmux-7201/default; tmux -u new-session -d -s second");
  const refused = await persist("restore ana_b");
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringMatching(/^ana_b: .*their tmux server \(process \d+\) lives, and process \d+ has its socket/),
  ]);
  expect((await running(ana)).map((line) => line.split("|")[0])).toEqual(["second"]);
  await as(ana, "tmux -u kill-server");
  expect((await persist("restore ana_b")).code).toBe(0);
  expect(await running(ana)).toEqual(expect.arrayContaining(before));
});

test("a server that answers nobody costs its person a record and nobody else theirs, and no more than some seconds", async () => {
  await as(ana, "tmux -u new-session -d -s new");
  const [kept, begun] = [await records(bob), Date.now()];
  await host.sh("pkill -STOP -u bob -x 'tmux: server'");
  const saved = await persist("save");
  await host.sh("pkill -CONT -u bob -x 'tmux: server'");
  expect(saved.err).toContain("bob: sessions not recorded: the tmux server did not answer within 5 s");
  expect(saved.out.filter((line) => line.startsWith("ana_b: recorded "))).toHaveLength(1);
  expect(await records(bob)).toBe(kept);
  expect(Date.now() - begun).toBeLessThan(25_000);
});

test("two people who lose their servers at once, and ask at once, each get back their own", async () => {
  await as(bob, "tmux -u new-session -d -s his || true");
  await persist("save");
  const [mine, his] = [await running(ana), await running(bob)].map((all) => all.map((line) => line.split("|")[0]));
  await killServer(ana);
  await killServer(bob);
  const both = await Promise.all([persist("restore ana_b"), persist("restore bob")]);
  expect(both.map(({ code, err }) => [code, err])).toEqual([
    [0, ""],
    [0, ""],
  ]);
  const now = [await running(ana), await running(bob)].map((all) => all.map((line) => line.split("|")[0]));
  expect(now).toEqual([mine, his]);
});

test("a socket folder that is somebody else's or a link is not looked into", async () => {
  await host.sh("rm -rf /tmp/tmux-7203; install -d -m 0700 -o bob -g bob /tmp/tmux-7203");
  const theirs = await persist("save");
  expect(theirs.err).toContain("mallory: sessions not recorded: ");
  expect(theirs.err).toContain("/tmp/tmux-7203 belongs to uid 7202");
  await host.sh("rm -rf /tmp/tmux-7203; ln -s /tmp/tmux-7202 /tmp/tmux-7203");
  expect((await persist("save")).err).toContain("/tmp/tmux-7203 is a symbolic link");
  await host.sh("rm /tmp/tmux-7203");
});

test("a session that tmux ends at once is not reported as restored", async () => {
  await as(mallory, "mv .tmux.conf kept.conf; echo 'set -g destroy-unattached on' > .tmux.conf");
  const { code, out, err } = await persist("restore mallory");
  expect([code, out]).toEqual([1, [""]]);
  expect(err).toContain(
    "mallory: one: not restored: tmux ended it at once, since their option destroy-unattached is on",
  );
  await as(mallory, "mv kept.conf .tmux.conf");
  expect((await persist("restore mallory")).out).toContain("mallory: one: restored with a shell");
});

/** `ws-me` as its person, with any exit code. */
const me = async (who: Somebody, args: string) => {
  const ran = await host.vm.ssh(`ws-me ${args}`, { as: who.osUser, accept: [0, 1] });
  return { code: ran.code, out: ran.stdout.trimEnd().split("\n"), err: ran.stderr.trimEnd() };
};
interface Listed {
  readonly number: number;
  readonly sessions: readonly { readonly name: string; readonly state: string; readonly why?: string }[];
}
const listed = async (who: Somebody): Promise<readonly Listed[]> =>
  JSON.parse((await me(who, "records --json")).out.join("")).records;
const statesIn = (record: Listed | undefined) =>
  Object.fromEntries((record?.sessions ?? []).map(({ name, state }) => [name, state]));
const serversOf = (who: Somebody) => host.sh(`pgrep -c -u ${who.osUser} -x 'tmux: server' || true`);

test("after a partial loss that was saved, its person finds the earlier record and brings back one session of it", async () => {
  await killServer(bob);
  await as(bob, "mkdir -p work; tmux -u new-session -d -s chat -c ~/work 'exec sh ~/start-claude.sh'");
  await shows(bob, "chat", "(startup)");
  await as(bob, "for s in logs notes; do tmux -u new-session -d -s $s -c ~/work; done");
  await persist("save");
  await as(bob, "tmux -u kill-session -t =chat; tmux -u kill-session -t =logs");
  await persist("save");
  const [newest, earlier] = await listed(bob);
  expect([statesIn(newest), statesIn(earlier)]).toEqual([
    { notes: "running" },
    { chat: "conversation", logs: "shell", notes: "running" },
  ]);
  expect((await me(bob, "restore")).out).toEqual(["nothing to restore"]);
  const number = earlier?.number ?? 0;
  expect((await me(bob, `restore --record ${number} chat`)).out).toEqual(["chat: restored with its conversation"]);
  expect(await shows(bob, "chat", "(resume)")).toContain("(resume)");
  expect((await running(bob)).map((line) => line.split("|")[0])).toEqual(["chat", "notes"]);
  expect(await serversOf(bob)).toBe("1");
});

test("a conversation that goes on under another name, or outside of every session, is not opened a second time", async () => {
  const before = (await listed(bob)).find(({ sessions }) => sessions.some(({ name }) => name === "logs"));
  await as(bob, "tmux -u rename-session -t =chat talking");
  await persist("save");
  const assistants = () => host.sh("pgrep -c -u bob -x claude || true");
  expect(await assistants()).toBe("1");
  const elsewhere = (await listed(bob)).find(({ number }) => number === before?.number);
  expect(elsewhere?.sessions.find(({ name }) => name === "chat")).toMatchObject({
    state: "open elsewhere",
    why: 'its conversation is open in session "talking"',
  });
  const restored = await persist(`restore bob --record ${before?.number}`);
  expect([restored.err, restored.out]).toEqual([
    'bob: chat: left alone: its conversation is open in session "talking"',
    ["bob: logs: restored with a shell"],
  ]);
  expect(await assistants()).toBe("1");
  const conversation = await as(bob, "tmux -u show-options -v -t =talking: @workstation_conversation");
  await as(bob, "tmux -u kill-session -t =talking");
  // One that keeps its arguments readable, as the real one does.
  await as(bob, "mkdir -p outside; printf '#!/bin/sh\\nsleep 600\\n' > outside/claude; chmod 755 outside/claude");
  await as(bob, `nohup ~/outside/claude --resume ${conversation} >/dev/null 2>&1 &`);
  for (let tried = 0; tried < 50 && (await assistants()) !== "1"; tried += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await me(bob, `restore --record ${before?.number} chat`)).out.join()).toMatch(
    /^chat: left alone: its conversation is open in process \d+, outside of every session$/,
  );
  await host.sh("pkill -u bob -x 'claude|sleep'; while pgrep -u bob -x claude >/dev/null; do sleep 0.1; done");
});

test("two restores at once by their person and by root open a conversation once", async () => {
  const record = (await listed(bob)).find(({ sessions }) => sessions.some(({ name }) => name === "chat"))?.number;
  const all = await Promise.all([
    me(bob, `restore --record ${record}`),
    persist(`restore bob --record ${record}`),
    me(bob, `restore --record ${record} chat`),
  ]);
  expect(all.map(({ code, err }) => [code, err])).toEqual(all.map(() => [0, ""]));
  expect(all.flatMap(({ out }) => out).filter((line) => /chat: restored/.test(line))).toHaveLength(1);
  await shows(bob, "chat", "(resume)");
  expect(await host.sh("pgrep -c -u bob -x claude || true")).toBe("1");
});

test("what its person forgets is brought back by nobody, until they ask for it after all or make it anew", async () => {
  const record = (await listed(bob)).find(({ sessions }) => sessions.some(({ name }) => name === "chat"))?.number;
  expect(await me(bob, "forget chat")).toMatchObject({ code: 1, out: ["chat: it runs, so it is not forgotten"] });
  await as(bob, "tmux -u kill-session -t =chat");
  expect(await me(bob, "forget chat")).toMatchObject({ code: 0, out: ["chat: forgotten"] });
  const kept = await records(bob);
  expect((await me(bob, `restore --record ${record}`)).out).toEqual(["nothing to restore"]);
  expect((await persist(`restore bob --record ${record}`)).out).toEqual(["bob: nothing to restore"]);
  expect(statesIn((await listed(bob)).find(({ number }) => number === record))).toMatchObject({ chat: "forgotten" });
  // Nothing was deleted, and nothing of it lies where root would read it.
  expect(await records(bob)).toBe(kept);
  expect(await as(bob, "stat -c '%a %U' ~/.local/state/workstation ~/.local/state/workstation/*")).toBe(
    "700 bob\n600 bob",
  );
  expect((await me(bob, `restore --record ${record} chat`)).out).toEqual(["chat: restored with its conversation"]);
  await as(bob, "tmux -u kill-session -t =chat");
  expect((await me(bob, "forget chat")).out).toEqual(["chat: forgotten"]);
  expect((await me(bob, "forget --undo chat")).out).toEqual(["chat: offered again"]);
  expect((await persist(`restore bob --record ${record}`)).out).toContain("bob: chat: restored with its conversation");
  await as(bob, "tmux -u kill-session -t =logs");
  await me(bob, "forget logs");
  await as(bob, "tmux -u new-session -d -s logs -c ~/work");
  await persist("save");
  await killServer(bob);
  expect((await me(bob, "restore")).out).toContain("logs: restored with a shell");
  expect(await serversOf(bob)).toBe("1");
});

test("a list of forgotten sessions that is a link, a pipe or damaged is an error of its person's alone", async () => {
  const list = "~/.local/state/workstation/forgotten-sessions.json";
  const kept = await as(bob, `cat ${list}`);
  for (const [script, why] of [
    [`ln -sf /etc/shadow ${list}`, "is a symbolic link"],
    [`rm ${list}; mkfifo ${list}`, "it must be a regular file"],
    [`rm ${list}; echo x > ${list}`, "it is damaged; remove it"],
  ] as const) {
    await as(bob, script);
    await as(bob, "tmux -u kill-session -t =logs || true");
    expect((await me(bob, "restore")).err).toContain(why);
    const all = await persist("restore");
    expect([all.err.split("\n").length, all.err]).toEqual([1, expect.stringContaining(`bob: sessions not restored: `)]);
    expect(all.err).toContain(why);
  }
  await as(bob, `cat > ${list} <<'LIST'\n${kept}\nLIST`);
  expect((await persist("restore bob")).out).toContain("bob: logs: restored with a shell");
});

test("the page's wrapper takes one name of the terminal map and nothing else, and sudo lets it do no more", async () => {
  const wrapper = (argument: string) => host.vm.ssh(`tmux-restore-user ${argument}`, { accept: [0, 1, 2] });
  expect(JSON.parse((await wrapper("bob")).stdout)).toMatchObject({ people: [{ who: "bob" }] });
  for (const bad of ["", "root", "'bob ana_b'", "-x", "../bob", "bob --record", "'bob\nana_b'", "a".repeat(33)])
    expect({ bad, code: (await wrapper(bad)).code }).toEqual({ bad, code: 2 });
  await host.sh("id workstation-lobby >/dev/null 2>&1 || useradd --system --no-create-home workstation-lobby");
  const sudo = (command: string) =>
    host.vm.ssh(`runuser -u workstation-lobby -- sudo -n ${command}`, { accept: [0, 1, 2] });
  expect((await sudo("/usr/local/sbin/tmux-restore-user bob")).code).toBe(0);
  for (const bad of ["bob ana_b", "'bob --record 1'", "--json", "bob 1 x", "bob 1 0 0", "bob '1;id'", "bob '1 0'"])
    expect({ bad, isDone: (await sudo(`/usr/local/sbin/tmux-restore-user ${bad}`)).code === 0 }).toEqual({
      bad,
      isDone: false,
    });
  for (const bad of ["bob", "bob 1", "root 1 0", "bob 1 a", "bob 1 0 0", "bob 1 ,", "bob 999999 0"])
    expect({ bad, isDone: (await sudo(`/usr/local/sbin/tmux-forget-user ${bad}`)).code === 0 }).toEqual({
      bad,
      isDone: false,
    });
  const record = (await listed(bob))[0]?.number ?? 0;
  expect((await sudo(`/usr/local/sbin/tmux-restore-user bob ${record} 0`)).code).toBe(0);
  expect(JSON.parse((await sudo(`/usr/local/sbin/tmux-forget-user bob ${record} 0`)).stdout)).toMatchObject({
    people: [{ who: "bob", found: { forgotten: [], running: [expect.any(String)] } }],
  });
  expect((await sudo("/usr/local/sbin/tmux-persist status")).code).toBe(1);
  expect((await host.vm.ssh("sudo -n /usr/local/sbin/tmux-restore-user ana_b", { as: "bob", accept: [1] })).code).toBe(
    1,
  );
});

test("nothing of the record can be read by anybody but root, and a delivery finds nothing to change", async () => {
  expect(
    await host.sh(
      "stat -c '%a %U' /var/lib/tmux-persist /var/lib/tmux-persist/bob; stat -c %a /var/lib/tmux-persist/bob/0*1.json",
    ),
  ).toBe("700 root\n700 root\n600");
  expect(await host.apply(base())).toMatchObject({ code: 0, out: ["host: nothing to change"] });
  expect(
    await host.sh(
      "systemd-analyze verify /etc/systemd/system/tmux-persist-*.service /etc/systemd/system/tmux-persist-save.timer 2>&1 | grep tmux-persist || true",
    ),
  ).toBe("");
});
