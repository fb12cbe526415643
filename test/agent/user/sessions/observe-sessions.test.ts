/** Which pane speaks for a session, by a real tmux server, real processes in the places of the assistant and real transcripts. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openConversations } from "../../../../agent/shared/sessions/open-conversations.ts";
import { planRestore } from "../../../../agent/shared/sessions/restore-plan.ts";
import { LIST_PANES, readListing } from "../../../../agent/user/sessions/observe-sessions.ts";
import { presentState } from "../../../../agent/user/sessions/present-state.ts";
import type { Tmux } from "../../../../agent/user/sessions/tmux-client.ts";

const id = (letter: string) => `6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a0${letter}`;
const letterOf = (conversation: string | undefined) => conversation?.slice(-1) ?? "–";

let home: string;
const sh = (script: string) =>
  execFileSync("/bin/sh", ["-euc", script], {
    env: { PATH: `${home}/bin:/usr/bin:/bin`, HOME: home, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
const tmux = (args: string) => sh(`tmux -u -f /dev/null -S '${home}/socket' ${args}`);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "workstation-panes-"));
  mkdirSync(join(home, "bin"));
  // It stays for as long as its pane does, and not for ever.
  writeFileSync(join(home, "bin/claude"), "#!/bin/sh\nsleep 120\nexit 0\n");
  chmodSync(join(home, "bin/claude"), 0o755);
});
afterEach(() => {
  tmux("kill-server || true");
  rmSync(home, { recursive: true, force: true });
});

/** One pane: what runs in it, what the hook has noted in it, and where it works. */
interface PaneMade {
  /** The assistant's arguments; a shell's pane without. */
  readonly claude?: string;
  readonly note?: readonly [string, "now" | "before"];
  readonly front?: true;
  readonly in?: string;
}

function makeSession(name: string, panes: readonly PaneMade[], launched?: string): void {
  for (const [at, { claude, note, front, in: directory = home }] of panes.entries()) {
    mkdirSync(directory, { recursive: true });
    const runs = claude === undefined ? "sleep 120" : `claude ${claude}`;
    const make = at === 0 ? `new-session -d -x 200 -y 200 -s ${name}` : `split-window -d -t =${name}:`;
    const pane = tmux(`${make} -P -F '#{pane_id}' -c '${directory}' '${runs}'`);
    const atS = note?.[1] === "before" ? 1 : Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0])) + 1;
    if (note !== undefined) tmux(`set-option -p -t ${pane} @workstation_started ${id(note[0])}-${atS}`);
    if (front) tmux(`select-pane -t ${pane}`);
  }
  if (launched !== undefined) tmux(`set-option -t =${name}: @workstation_conversation ${id(launched)}`);
}

/** A transcript of each of the letters, the last written last. */
function transcripts(letters: string, directory = home): void {
  const folder = folderOf(directory);
  mkdirSync(folder, { recursive: true });
  for (const letter of letters) {
    const line = { cwd: directory, timestamp: new Date().toISOString() };
    writeFileSync(join(folder, `${id(letter)}.jsonl`), `${JSON.stringify(line)}\n`);
    sh("sleep 0.02");
  }
}

const listing = () => {
  // The shell of a pane needs a moment to become what it runs.
  sh("sleep 0.3");
  return tmux(`${LIST_PANES[0]} -a -F '${LIST_PANES[3]}'`);
};
const person = () => ({ uid: process.getuid?.() ?? -1, home });
const look = () => readListing(listing(), person());

const folderOf = (directory = home) => join(home, ".claude/projects", directory.replace(/[^A-Za-z0-9]/g, "-"));
/** Makes the transcript of that letter one that cannot be read. */
const hide = (letter: string) =>
  sh(`ln -s loop.jsonl '${folderOf()}/${id(letter)}.jsonl'; ln -s loop.jsonl '${folderOf()}/loop.jsonl'`);

/** What a restore would do with a session of another name that was recorded in that conversation. */
async function restoreOf(letter: string, afterLook = () => ""): Promise<readonly object[]> {
  const answering: Tmux = {
    hasSocket: () => true,
    ask: async () => listing(),
    try: () => Promise.reject(new Error("nothing is to be changed")),
  };
  const sessions = [{ name: "lost", directory: home, conversation: id(letter) }];
  const present = await presentState(answering, person(), "dev\n");
  afterLook();
  return planRestore({ sessions, seenAtMs: Date.now(), chosen: true }, present).map(({ state, why }) => ({
    state,
    why,
  }));
}

test.each<[string, readonly PaneMade[], string | undefined, string, string]>([
  ["the launcher's", [{ claude: `--session-id ${id("a")}`, note: ["a", "now"], front: true }], "a", "a", "a"],
  [
    "of two, the assistant in front",
    [
      { claude: `--session-id ${id("a")}`, note: ["a", "now"] },
      { claude: "", note: ["b", "now"], front: true },
    ],
    "a",
    "ba",
    "b",
  ],
  [
    "of two, the launcher's when a shell is in front, also after a clear",
    [{ claude: `--session-id ${id("a")}`, note: ["c", "now"] }, { claude: "", note: ["b", "now"] }, { front: true }],
    "a",
    "cab",
    "c",
  ],
  [
    "the one that runs, whatever one that has ended in another pane had noted",
    [{ claude: `--session-id ${id("a")}`, front: true }, { note: ["b", "now"] }],
    "a",
    "ab",
    "a",
  ],
  [
    "the one that runs and was cleared, whatever was noted in other panes",
    [{ claude: `--session-id ${id("a")}`, note: ["c", "now"] }, { note: ["b", "now"] }, { front: true }],
    "a",
    "cab",
    "c",
  ],
  [
    "the one that runs behind a pane in front where one has ended",
    [
      { claude: "", note: ["c", "now"] },
      { note: ["b", "now"], front: true },
    ],
    undefined,
    "cb",
    "c",
  ],
  [
    "the pane in front when none runs any more",
    [{ note: ["a", "now"] }, { note: ["b", "now"], front: true }],
    undefined,
    "ba",
    "b",
  ],
  [
    "none when none runs and another pane is in front of two",
    [{ note: ["a", "now"] }, { note: ["b", "now"] }, { front: true }],
    undefined,
    "ba",
    "–",
  ],
  [
    "another one that was begun where the launcher's has ended",
    [{ claude: "", note: ["b", "now"], front: true }],
    "a",
    "ba",
    "b",
  ],
  [
    "a resumed one without a note, where an earlier one had noted its own",
    [{ claude: `--resume ${id("b")}`, note: ["a", "before"], front: true }],
    "a",
    "ab",
    "b",
  ],
  [
    "a fork under its own id",
    [{ claude: `--resume ${id("b")} --fork-session --session-id ${id("a")}`, front: true }],
    undefined,
    "ab",
    "a",
  ],
])("recorded is %s", (_, panes, launched, written, expected) => {
  transcripts(written);
  makeSession("dev", panes, launched);
  const { sessions } = look();
  expect(sessions.map(({ conversation }) => letterOf(conversation))).toEqual([expected]);
});

test("recorded of a fork without an id is what it began, and not what it was resumed from", () => {
  transcripts("b");
  makeSession("dev", [{ claude: `--resume ${id("b")} --fork-session`, front: true }]);
  // A conversation begins after its assistant has started, which takes a pane a moment.
  sh("sleep 0.5");
  transcripts("c");
  expect(look().sessions).toMatchObject([{ conversation: id("c") }]);
});

test("the directory is that of the assistant that speaks", () => {
  const [one, another] = [join(home, "one"), join(home, "another")];
  transcripts("a", one);
  transcripts("b", another);
  makeSession("dev", [
    { claude: `--session-id ${id("a")}`, note: ["a", "now"], in: one },
    { claude: `--session-id ${id("b")}`, note: ["b", "now"], in: another, front: true },
  ]);
  expect(look().sessions).toMatchObject([{ conversation: id("b"), directory: another }]);
});

test("a conversation in another pane is open, and no other session's", () => {
  transcripts("ab");
  makeSession("dev", [
    { claude: `--session-id ${id("a")}`, note: ["a", "now"], front: true },
    { claude: "", note: ["b", "now"] },
  ]);
  // Nothing tells its conversation, and the only transcript since its start that nobody names would be its own.
  makeSession("bare", [{ claude: "", front: true }]);
  transcripts("b");
  const { sessions, seen, evidence } = look();
  expect(sessions.map(({ name, conversation }) => [name, letterOf(conversation)])).toEqual([
    ["bare", "–"],
    ["dev", "a"],
  ]);
  const running = sessions.map(({ name, conversation }, at) => {
    const [one, told] = [seen[at], evidence[at]];
    if (one === undefined || told === undefined) throw new Error("there is no evidence of a session");
    return { name, conversation, evidence: told, assistants: one.assistants };
  });
  expect([...openConversations(running, [])].map(([open]) => letterOf(open)).sort()).toEqual(["a", "b"]);
});

test("a conversation of an assistant outside of every session is not taken for what a clear began", () => {
  transcripts("a");
  makeSession("dev", [{ claude: `--session-id ${id("a")}`, front: true }], "a");
  sh(`cd ${home}; setsid claude --session-id ${id("c")} >/dev/null 2>&1 & echo $! > outside; sleep 0.2`);
  transcripts("c");
  try {
    expect(look().sessions).toMatchObject([{ conversation: id("a") }]);
  } finally {
    sh("kill -- -$(cat ~/outside)");
  }
});

test("of sessions of a group, which share their windows, the first has the conversation", () => {
  transcripts("a");
  makeSession("dev", [{ claude: `--session-id ${id("a")}`, note: ["a", "now"], front: true }], "a");
  tmux("new-session -d -t dev -s twin");
  tmux("new-session -d -t dev -s again");
  const { sessions } = look();
  expect(sessions.map(({ name, conversation, directory }) => [name, letterOf(conversation), directory])).toEqual([
    ["again", "–", home],
    ["dev", "a", home],
    ["twin", "–", home],
  ]);
});

/** A session whose shell has the variable, as the launcher leaves it behind an assistant that has ended. */
const sessionIn = (name: string, folder: string, runs: string, launched?: string) => {
  tmux(`new-session -d -s ${name} -c '${home}' -e 'CLAUDE_CONFIG_DIR=${folder}' "${runs}"`);
  if (launched !== undefined) tmux(`set-option -t =${name}: @workstation_conversation ${id(launched)}`);
};

test("folders that cannot be read cost no other session its record, and are named once", () => {
  transcripts("a");
  sh('ln -s loop "$HOME/loop"');
  makeSession("good", [{ claude: `--session-id ${id("a")}`, note: ["a", "now"], front: true }], "a");
  for (const name of ["bad", "worse"]) sessionIn(name, `${home}/loop`, "claude");
  sessionIn("shell", `${home}/loop`, "exec sleep 120");
  const { sessions, warnings } = look();
  expect(sessions.map(({ name, conversation, unread }) => [name, letterOf(conversation), unread])).toEqual([
    ["bad", "–", true],
    ["good", "a", undefined],
    ["shell", "–", undefined],
    ["worse", "–", true],
  ]);
  const path = `${home}/loop/projects/${home.replace(/[^A-Za-z0-9]/g, "-")}`.slice(0, 200);
  expect(warnings).toEqual([
    `${path} cannot be read (ELOOP), so it is not certain which conversation belongs to session "bad", session "worse"`,
  ]);
});

const OPEN = [{ state: "open elsewhere", why: 'its conversation is open in session "dev"' }];
const mayBeOpen = (letter: string) => [
  {
    state: "open elsewhere",
    why: `its conversation may be open in session "dev"; if it is not, run \`claude --resume ${id(letter)}\` in its directory`,
  },
];

test("a conversation that is known by its transcript alone is not opened again where another one cannot be read", async () => {
  transcripts("a");
  sh(`touch -d '1 hour ago' '${folderOf()}/${id("a")}.jsonl'`);
  makeSession("dev", [{ claude: "", front: true }]);
  sh("sleep 0.3");
  transcripts("c");
  expect(await restoreOf("c")).toEqual(OPEN);
  hide("e");
  expect(await restoreOf("c")).toEqual(mayBeOpen("c"));
});

test("where several conversations may be an assistant's, none of them is opened again", async () => {
  makeSession("dev", [{ claude: "", front: true }]);
  sh("sleep 0.3");
  transcripts("bc");
  expect(look().sessions.map(({ conversation }) => conversation)).toEqual([undefined]);
  expect([await restoreOf("b"), await restoreOf("c")]).toEqual([mayBeOpen("b"), mayBeOpen("c")]);
});

test("no conversation of a folder that could not be listed is opened beside an assistant that may be in it", async () => {
  transcripts("c");
  makeSession("dev", [{ claude: "", front: true }]);
  sh("mv ~/.claude ~/else; ln -s .claude ~/.claude");
  // It is there again only after the look.
  const returns = () => sh("rm ~/.claude; mv ~/else ~/.claude");
  expect(await restoreOf("c", returns)).toMatchObject([
    { state: "shell", why: expect.stringContaining("cannot be read (ELOOP)") },
  ]);
});

test("an older conversation does not replace the recorded one where another transcript cannot be read", () => {
  transcripts("a");
  sh("sleep 0.3");
  makeSession("dev", [{ claude: `--session-id ${id("a")}`, front: true }], "a");
  sh("sleep 0.5");
  transcripts("c");
  expect(look().sessions).toMatchObject([{ conversation: id("c") }]);
  hide("e");
  const { sessions, warnings } = look();
  expect(sessions).toMatchObject([{ name: "dev", unread: true, conversation: id("a") }]);
  // It tells when the assistant started, so that what was recorded before that is replaced.
  const startedAgoMs = Date.now() - (sessions[0]?.namedAtMs ?? 0);
  expect([startedAgoMs > 0, startedAgoMs < 30_000]).toEqual([true, true]);
  expect(warnings).toEqual([
    expect.stringMatching(
      /cannot be read \(ELOOP\), so it is not certain which conversation belongs to session "dev"$/,
    ),
  ]);
});

test("what the hook of the running assistant has told is certain, whatever transcript cannot be read", () => {
  transcripts("ab");
  hide("e");
  makeSession("dev", [{ claude: `--session-id ${id("a")}`, note: ["b", "now"], front: true }], "a");
  const { sessions, warnings } = look();
  expect(sessions).toMatchObject([{ conversation: id("b") }]);
  expect([sessions[0]?.unread, warnings]).toEqual([undefined, []]);
  // Not its own transcript either.
  sh(`cd '${folderOf()}'; rm ${id("b")}.jsonl; ln -s loop.jsonl ${id("b")}.jsonl`);
  expect(look().sessions).toMatchObject([{ conversation: id("b") }]);
  expect(look().isWhole).toBe(false);
  sh("rm -r ~/.claude; ln -s .claude ~/.claude");
  expect(look().sessions).toMatchObject([{ conversation: id("b") }]);
  expect(look()).toMatchObject({ isWhole: false, warnings: [] });
});

test("a shell in a directory from which its conversation cannot be resumed is told, once its assistant has ended", () => {
  transcripts("a");
  makeSession("dev", [{ note: ["a", "before"], front: true }], "a");
  makeSession("moved", [{ note: ["b", "before"], front: true, in: join(home, "infra") }], "b");
  makeSession("runs", [{ claude: `--session-id ${id("c")}`, note: ["c", "now"], front: true }], "c");
  expect(look().sessions.map(({ name, unresumable }) => [name, unresumable])).toEqual([
    ["dev", undefined],
    ["moved", true],
    ["runs", undefined],
  ]);
});

test("the folder of an assistant that has ended is told by the shell behind it", () => {
  for (const [folder, letter] of [
    ["else", "a"],
    ["deep", "b"],
    ["else", "c"],
  ] as const) {
    const keep = `${home}/${folder}/projects/${home.replace(/[^A-Za-z0-9]/g, "-")}`;
    mkdirSync(keep, { recursive: true });
    writeFileSync(`${keep}/${id(letter)}.jsonl`, `${JSON.stringify({ cwd: home })}\n`);
  }
  sessionIn("left", `${home}/else`, "exec sleep 120", "a");
  sessionIn("inside", "", `CLAUDE_CONFIG_DIR=${home}/deep sleep 120; true`, "b");
  sessionIn("never", `${home}/else`, "exec sleep 120");
  sessionIn("relative", "else", "exec sleep 120", "c");
  // Its conversation is not in the folder that the shell has for something else, or for another one.
  transcripts("d");
  sessionIn("other", `${home}/else`, "exec sleep 120", "d");
  sh("ln -s loop ~/loop");
  sessionIn("away", `${home}/loop`, "exec sleep 120", "e");
  const folders = Object.fromEntries(look().sessions.map((one) => [one.name, one.assistantFolder]));
  expect(folders).toEqual({
    left: `${home}/else`,
    inside: `${home}/deep`,
    never: undefined,
    relative: undefined,
    other: undefined,
    away: `${home}/loop`,
  });
});
