/** What root makes of the few lines of shell that look at somebody's sessions, and when it leaves that to their worker. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  chooseConversations,
  type Evidence,
  transcriptsMatter,
} from "../../../../agent/shared/sessions/choose-conversation.ts";
import { observation } from "../../../../agent/shared/sessions/session-schemas.ts";
import { readProbe } from "../../../../agent/root/sessions/parse-probe-output.ts";
import { decide, isWhole } from "../../../../agent/root/sessions/observe-sessions.ts";
import { recordAfterLook } from "../../../../agent/root/sessions/compute-record.ts";
import { withRecorded } from "../../../../agent/root/sessions/keep-hidden.ts";

const id = (n: number) => `6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a0${n}`;
const BETWEEN = "0123456789abcdef";
const HOME = "/home/ana";
/** The machine runs since then; process 20 started 100 s later. In seconds since 1970. */
const BOOT_S = 1_700_000_000;
const UP_S = 5000;
const stat = (pid: number, name: string, parent: number, ticks: number) =>
  `${pid} (${name}) S ${parent} ${Array.from({ length: 17 }, () => 0).join(" ")} ${ticks} 0`;
const transcript = (folder: string, n: number, atS: number, bytes = 100) =>
  `${atS}.5 ${atS}.5 ${bytes} ${folder}/${id(n)}.jsonl\0`;

interface Told {
  readonly listing: string;
  readonly stats: string;
  readonly words: string;
  readonly links: string;
  readonly transcripts: string;
}
/** Two sessions; in the second the assistant runs in the folder of the home, and the machine's hook has told its id. */
const usual: Told = {
  listing: `$1 1700000000 11 10 - - dev\n$2 1700000000 11 20 - ${id(1)} talk ü\n`,
  stats: `${stat(10, "zsh", 5, 1000)}\n${stat(20, "claude", 5, 10_000)}\n`,
  words: "/proc/10/cmdline\0-zsh\0/proc/20/cmdline\0claude\0",
  links: "/proc/10/cwd\0/home/ana/a\nb\0/proc/20/cwd\0/home/ana\0/proc/30/cwd\0\0",
  transcripts: transcript("-home-ana", 1, BOOT_S + 200),
};
const output = (over: Partial<Told> = {}) => {
  const { listing, stats, words, links, transcripts } = { ...usual, ...over };
  return [listing, stats, words, links, transcripts].join(`\n${BETWEEN}\n`);
};
const decided = (over: Partial<Told> = {}, laterS = 0) => {
  const probed = readProbe(output(over), BETWEEN, HOME);
  return probed === undefined ? undefined : decide(probed, (BOOT_S + UP_S + laterS) * 1000, UP_S + laterS);
};
const running = [
  { name: "dev", directory: "/home/ana/a\nb", createdS: 1_700_000_000, assistantRuns: false },
  { name: "talk ü", directory: "/home/ana", createdS: 1_700_000_000, assistantRuns: true, conversation: id(1) },
];

test("what tells whose conversation is whose without a look into any transcript is decided at once", () => {
  expect(decided()?.observation).toEqual({ server: "running", sessions: running, warnings: [] });
  const without = { transcripts: "", words: "", stats: "" };
  expect(decided({ ...without, listing: "" })?.observation).toMatchObject({ sessions: [] });
});

test("a second tmux server, which may have sessions that are not recorded, is their worker's to look for", () => {
  const running = (...names: readonly string[]) =>
    usual.stats + names.map((name, at) => `${stat(50 + at, name, 1, 10)}\n`).join("");
  for (const other of ["tmux: server", "tmux-next:", "byobu: server"]) {
    expect(decided({ stats: running(other) })?.observation).toBeDefined();
    expect(decided({ stats: running("tmux: server", other) })).toBeUndefined();
  }
  // Who is attached, or runs a program whose name only looks like it, costs no worker.
  expect(decided({ stats: running("tmux: server", "tmux: client", "PM2 v5.3.0: God") })?.observation).toBeDefined();
});

test("a process that hides its directory, or is not theirs, is their worker's to look at", () => {
  const links = (told: Readonly<Record<number, string>>) =>
    Object.entries(told)
      .map(([pid, directory]) => `/proc/${pid}/cwd\0${directory}\0`)
      .join("");
  const all = { 10: "/home/ana", 20: "/home/ana", 30: "/home/ana" };
  expect(decided({ links: links(all) })?.observation).toBeDefined();
  expect(decided({ links: links({ ...all, 10: "" }) })).toBeUndefined();
  expect(decided({ links: links({ ...all, 20: "" }) })).toBeUndefined();
  expect(decided({ links: links({ 20: "/home/ana" }) })).toBeUndefined();
  // A pane whose process has ended hides nothing; one of another user lives on.
  const beside = (flags: string) => decided({ listing: `${usual.listing}$1 1700000000 ${flags} 40 - - dev\n` });
  expect(beside("10x")?.observation).toMatchObject({ sessions: running });
  expect(beside("10")).toBeUndefined();
  // What a shell has started may be an assistant's own shell; what else runs has no part in it.
  const started = { stats: `${usual.stats}${stat(30, "zsh", 10, 2000)}\n`, links: links({ ...all, 30: "" }) };
  expect(decided(started)).toBeUndefined();
  expect(decided({ links: links({ ...all, 30: "" }) })?.observation).toBeDefined();
});

test("a session whose pane in front has ended is recorded where another pane is, else where it was recorded", () => {
  const ended = "$1 1700000000 11x 40 - - dev\n";
  const recorded = (listing: string, own: object = {}) => {
    const found = decided({ listing })?.observation;
    if (found?.server !== "running") throw new Error("it is decided without a worker");
    expect(found.warnings).toEqual([]);
    const sessions = [{ name: "dev", directory: "/home/ana/before", ...own }];
    const before = { version: 1 as const, takenAtMs: 1_750_000_000_000, sessions, forgotten: [] };
    return (recordAfterLook(before, withRecorded(found.sessions, before), 1_800_000_000_000) ?? before).sessions;
  };
  expect(recorded(`${ended}$1 1700000000 10 10 - - dev\n`)).toEqual([{ name: "dev", directory: "/home/ana/a\nb" }]);
  expect(recorded(ended)).toEqual([{ name: "dev", directory: "/home/ana/before" }]);
  // Its conversation stays where it was, too.
  const own = { conversation: id(2) };
  expect(recorded(ended.replace("- - dev", `${id(2)} - dev`), own)).toEqual([
    { name: "dev", directory: "/home/ana/before", ...own },
  ]);
  expect(decided({ listing: ended })?.observation).toMatchObject({ sessions: [{ directory: HOME }] });
});

test("a transcript that was written since the assistant started, and is not its own, is their worker's to look into", () => {
  const second = (atS: number, folder = "-home-ana") => usual.transcripts + transcript(folder, 2, atS);
  expect(decided({ transcripts: second(BOOT_S + 300) })?.observation).toBeUndefined();
  expect(decided({ transcripts: second(BOOT_S + 50) })?.observation).toMatchObject({ sessions: running });
  expect(decided({ transcripts: second(BOOT_S + 300, "-home-ana-x") })?.observation).toMatchObject({
    sessions: running,
  });
  // Whatever its person has set as the time of the last write.
  const touched = `1.0 ${BOOT_S + 300}.0 5 -home-ana/${id(2)}.jsonl\0`;
  expect(decided({ transcripts: usual.transcripts + touched })?.observation).toBeUndefined();
});

test("the same needs their worker once: it is known again by all that the worker goes by, and by nothing else", () => {
  const seen = (over: Partial<Told>, laterS = 0) => decided(over, laterS)?.seen;
  const cleared = { transcripts: usual.transcripts + transcript("-home-ana", 2, BOOT_S + 300) };
  const before = seen(cleared);
  expect(before).toBeDefined();
  const grown = transcript("-home-ana", 2, BOOT_S + 900, 100);
  expect(seen({ transcripts: grown + usual.transcripts }, 600)).toBe(before);
  for (const over of [
    { transcripts: cleared.transcripts + transcript("-home-ana", 3, BOOT_S + 400) },
    { transcripts: usual.transcripts + transcript("-home-ana", 2, BOOT_S + 300, 101) },
    { ...cleared, stats: usual.stats.replace("10000", "10001") },
    { ...cleared, listing: usual.listing.replace(id(1), id(3)) },
    { ...cleared, links: usual.links.replace("/home/ana/a", "/home/ana/c") },
    { ...cleared, words: `${usual.words}/proc/20/cmdline\0--resume\0/proc/20/cmdline\0${id(2)}\0` },
  ])
    expect(seen(over)).not.toBe(before);
});

test("a conversation that cannot be resumed where its shell is now is told, and known again by that", () => {
  const cleared = usual.transcripts + transcript("-home-ana", 2, BOOT_S + 300);
  const shell = (transcripts: string) =>
    decided({ transcripts, listing: usual.listing.replace("10 - -", `10 ${id(3)} -`) });
  const [moved, there] = ["", transcript("-home-ana-a-b", 3, BOOT_S)].map((own) => shell(usual.transcripts + own));
  expect(moved?.observation).toMatchObject({ sessions: [{ conversation: id(3), unresumable: true }, {}] });
  expect(there?.observation).toMatchObject({ sessions: [{ conversation: id(3) }, {}] });
  expect(JSON.stringify(there?.observation)).not.toContain("unresumable");
  const [before, after] = ["", transcript("-home-ana-a-b", 3, BOOT_S)].map((own) => shell(cleared + own)?.seen);
  expect(before).not.toBe(after);
});

test("a transcript that is listed counts, also where a folder beside it cannot be read", () => {
  const shell = (folder: string) =>
    decided({
      transcripts: `${transcript(folder, 3, BOOT_S)}not whole\0`,
      listing: `$1 1700000000 11 10 ${id(3)} - dev\n`,
    })?.observation;
  expect(JSON.stringify(shell("-home-ana-a-b"))).not.toContain("unresumable");
  expect(shell("-home-ana")).toMatchObject({ sessions: [{ conversation: id(3), unresumable: true }] });
});

test("what a worker could not read is not kept for the next look, also where no session's conversation needed it", () => {
  const found = { server: "running" as const, sessions: [], warnings: [] };
  expect(isWhole(found)).toBe(true);
  expect(isWhole({ ...found, unread: true })).toBe(false);
});

test("transcripts that could not all be listed leave it to the worker, but for a conversation that is named alone", () => {
  const transcripts = `${usual.transcripts}not whole\0`;
  expect(decided({ transcripts })).toBeUndefined();
  // What was recorded of this one may have to stay.
  expect(decided({ transcripts, listing: "$1 1700000000 11 10 - - dev\n" })).toBeUndefined();
  const named = { transcripts, listing: `$1 1700000000 11 10 ${id(1)} - dev\n` };
  expect(decided(named)?.observation).toMatchObject({ sessions: [{ name: "dev", conversation: id(1) }] });
});

test.each([
  ["a part is missing", output().replace(`\n${BETWEEN}\n`, "")],
  ["there is one part too many", `${output()}\n${BETWEEN}\n`],
  ["tmux tells what is not understood", output({ listing: "nonsense\n" })],
  ["the kernel tells what is not understood", output({ stats: "1 (a\nb) S 1\n" })],
  ["a directory is not text", output({ links: "/proc/20/cwd\0/home/\uFFFD\0" })],
  ["there are more arguments than were told", output({ words: "/proc/20/cmdline\0x\0".repeat(200) })],
  ["there are more panes than anybody has", output({ listing: "$1 17 11 10 - - dev\n".repeat(1001) })],
  ["there are more processes than anybody has", output({ stats: `${stat(10, "x", 1, 1)}\n`.repeat(2001) })],
  ["a session has a longer name than is kept", output({ listing: `$1 17 11 10 - - ${"x".repeat(20_000)}\n` })],
])("where %s, it is left to the worker", (_, text) => {
  const probed = readProbe(text, BETWEEN, HOME);
  expect(probed === undefined ? undefined : decide(probed, 0, 0)).toBeUndefined();
});

test("whatever somebody makes their probe tell, it is read as sessions that can be kept or left to their worker", () => {
  const pieces = [
    ...Object.values(usual).flatMap((text) => text.split(/(?<=[\n\0])/)),
    `\n${BETWEEN}\n`,
    "9".repeat(400),
  ];
  const part = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 8 })), {
    maxLength: 6,
  });
  let read = 0;
  fc.assert(
    fc.property(fc.array(part, { minLength: 5, maxLength: 5 }), (parts) => {
      const probed = readProbe(parts.map((all) => all.join("")).join(`\n${BETWEEN}\n`), BETWEEN, HOME);
      const found = probed === undefined ? undefined : decide(probed, BOOT_S * 1000, UP_S)?.observation;
      if (found === undefined) return;
      read += 1;
      expect(observation.parse(found)).toEqual(found);
    }),
    { numRuns: 2000 },
  );
  expect(read).toBeGreaterThan(20);
});

test("processes that claim to have started each other are each looked at once, and soon", () => {
  const ring = Array.from({ length: 2000 }, (_, at) => stat(at + 1, "x", ((at + 1) % 2000) + 1, 5));
  const listing = Array.from({ length: 400 }, (_, at) => `$${at} 17 11 ${at + 1} - - s${at}\n`).join("");
  const links = Array.from({ length: 2000 }, (_, at) => `/proc/${at + 1}/cwd\0${HOME}\0`).join("");
  const begun = process.cpuUsage();
  const found = decided({ listing, stats: `${ring.join("\n")}\n`, words: "", links })?.observation;
  expect(found).toMatchObject({ sessions: Array(400).fill({ directory: HOME }) });
  const { user, system } = process.cpuUsage(begun);
  expect((user + system) / 1000).toBeLessThan(2000);
});

test("whatever the evidence, transcripts that do not matter change no choice", () => {
  const STARTED = 1000;
  const anyId = fc.option(fc.integer({ min: 1, max: 4 }).map(id), { nil: undefined });
  const time = fc.integer({ min: 0, max: 2000 });
  const one = fc.record({
    option: anyId,
    hook: anyId,
    argument: anyId,
    runs: fc.boolean(),
    current: fc.option(fc.boolean(), { nil: undefined }),
    transcripts: fc.array(
      fc.record({ id: fc.integer({ min: 1, max: 6 }).map(id), begunAtMs: time, writtenAtMs: time }),
      { maxLength: 3 },
    ),
  });
  let decidedWithout = 0;
  fc.assert(
    fc.property(fc.array(one, { maxLength: 4 }), (sessions) => {
      const all = sessions.map(
        ({ option, hook, argument, runs, current, transcripts }, at): Evidence => ({
          key: `$${at}`,
          written: new Map(transcripts.map((t) => [t.id, Math.max(t.begunAtMs, t.writtenAtMs)])),
          transcripts,
          ...(current === undefined ? {} : { hookIsCurrent: current }),
          ...(runs ? { startedAtMs: STARTED } : {}),
          ...(option === undefined ? {} : { option }),
          ...(hook === undefined ? {} : { hook }),
          ...(argument === undefined ? {} : { argument }),
        }),
      );
      const written = all.map(({ key, startedAtMs, transcripts }) => {
        const since = transcripts.filter((t) => Math.max(t.begunAtMs, t.writtenAtMs) > STARTED);
        return [key, startedAtMs === undefined ? [] : since.map((t) => t.id)] as const;
      });
      if (transcriptsMatter(all, new Map(written))) return;
      decidedWithout += 1;
      const without = all.map((evidence) => ({ ...evidence, transcripts: [] }));
      expect(chooseConversations(without)).toEqual(chooseConversations(all));
    }),
    { numRuns: 2000 },
  );
  expect(decidedWithout).toBeGreaterThan(200);
});
