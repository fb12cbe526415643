/** Which conversation is whose, and what is read of tmux and of processes: none rather than a wrong one. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseConversations, type Evidence } from "../../../../agent/shared/sessions/choose-conversation.ts";
import { CONVERSATION_ID } from "../../../../agent/shared/sessions/conversation-id.ts";
import { literal, nameToGive } from "../../../../agent/user/sessions/tmux-names.ts";
import { parseListing } from "../../../../agent/shared/sessions/tmux-listing.ts";
import { idArgument, parseStat } from "../../../../agent/shared/sessions/process-tree.ts";
import { namesIn } from "../../../../agent/root/accounts/terminal-users.ts";

const id = (n: number) => `6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a0${n}`;
const STARTED = 1000;
const transcript = (n: number, begunAtMs: number, writtenAtMs = begunAtMs) => ({ id: id(n), begunAtMs, writtenAtMs });
const evidence = (key: string, over: Partial<Evidence> = {}): Evidence => ({
  key,
  startedAtMs: STARTED,
  written: new Map(over.transcripts?.map((t) => [t.id, t.writtenAtMs])),
  transcripts: [],
  ...over,
});
const choose = (...all: Evidence[]) => Object.fromEntries(chooseConversations(all));

/** The rows of the table in the documentation, each as its cells. */
const table = readFileSync(new URL("../../../../docs/sessions.md", import.meta.url), "utf8")
  .split("| launcher | hook |")[1]
  ?.split("\n\n")[0]
  ?.split("\n")
  .slice(2)
  .map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const LETTERS = "–ABC";
const idOf = (letter: string): string => id(LETTERS.indexOf(letter));
const listed = (cell: string) => (cell === "–" ? [] : cell.split(", "));

test.each(table ?? [])(
  "launcher %s, hook %s, argument %s, transcripts %s, unnamed %s: the documentation's table says %s",
  (option = "", hook = "", argument = "", resumable = "", unnamed = "", recorded = "") => {
    const [hookId = "", when] = hook.split(" ");
    const named = listed(resumable).map((letter, at) => transcript(LETTERS.indexOf(letter), 1100, 1900 - at * 100));
    const others = listed(unnamed).map((text) => {
      const began = text.includes("not written")
        ? [500, 600]
        : text.includes("before start")
          ? [500, 1200]
          : [1050, 1950];
      const at = text.includes("since A") ? [1500, 1950] : began;
      return transcript(LETTERS.indexOf(text.charAt(0)), at[0] ?? 0, at[1]);
    });
    const one = evidence("$1", {
      ...(option === "–" ? {} : { option: idOf(option) }),
      ...(hook === "–" ? {} : { hook: idOf(hookId) }),
      ...(when === "now" || when === "before" ? { hookIsCurrent: when === "now" } : {}),
      ...(argument === "–" ? {} : { argument: idOf(argument) }),
      transcripts: [...named, ...others],
    });
    expect(choose(one)).toEqual(recorded === "–" ? {} : { $1: idOf(recorded) });
  },
);

test("the table is there, and has a row for each way in which two sources can differ", () => {
  expect(table?.length).toBeGreaterThan(35);
  expect(table?.filter((row) => row.length !== 6)).toEqual([]);
});

test("in every combination, what can be resumed is recorded where any source that is not over names such a one", () => {
  const source = [undefined, id(1), id(2), id(3)];
  const orders = [[], [1], [2], [3], [1, 2], [2, 1], [1, 3], [3, 1], [2, 3], [3, 2], [1, 2, 3], [3, 2, 1], [2, 3, 1]];
  let seen = 0;
  for (const option of source)
    for (const hook of source)
      for (const argument of source)
        for (const hookIsCurrent of [true, false, undefined])
          for (const order of orders) {
            const one = evidence("$1", {
              ...(option === undefined ? {} : { option }),
              ...(hook === undefined ? {} : { hook }),
              ...(argument === undefined ? {} : { argument }),
              ...(hookIsCurrent === undefined ? {} : { hookIsCurrent }),
              written: new Map(order.map((n, at) => [id(n), 2000 - at])),
            });
            const chosen = choose(one).$1;
            const live = [
              hookIsCurrent === false ? undefined : hook,
              argument === undefined || argument === option ? option : undefined,
              argument,
            ].filter((name) => name !== undefined);
            const resumable = live.filter((name) => one.written.has(name));
            seen += 1;
            const because = JSON.stringify([option, hook, argument, hookIsCurrent, order]);
            expect(chosen === undefined, because).toBe(live.length === 0);
            if (resumable.length > 0) expect(resumable, because).toContain(chosen);
            if (hookIsCurrent === true && hook !== undefined && one.written.has(hook))
              expect(chosen, because).toBe(hook);
          }
  expect(seen).toBe(4 * 4 * 4 * 3 * orders.length);
});

test("failing all, a transcript of the same directory written since the start, when it is the only one", () => {
  expect(choose(evidence("$1", { transcripts: [transcript(1, 500, 1500)] }))).toEqual({ $1: id(1) });
  expect(choose(evidence("$1", { transcripts: [transcript(1, 500, 900)] }))).toEqual({});
  expect(choose(evidence("$1", { transcripts: [transcript(1, 1500), transcript(2, 1600)] }))).toEqual({});
  const { startedAtMs: _, ...withoutProcess } = evidence("$1", { transcripts: [transcript(1, 1500)] });
  expect(choose(withoutProcess)).toEqual({});
});

test("two sessions in one directory with a plausible transcript each are given none, not the newest", () => {
  const transcripts = [transcript(1, 1500), transcript(2, 1600)];
  expect(choose(evidence("$1", { transcripts }), evidence("$2", { transcripts }))).toEqual({});
  expect(
    choose(
      evidence("$1", { transcripts: [transcript(1, 1500)] }),
      evidence("$2", { transcripts: [transcript(1, 1500)] }),
    ),
  ).toEqual({});
});

test("a conversation that was cleared goes on under its new id: the single newer one wins over the recorded", () => {
  const transcripts = [transcript(1, 1100), transcript(2, 2000)];
  expect(choose(evidence("$1", { option: id(1), transcripts }))).toEqual({ $1: id(2) });
  const twice = [...transcripts, transcript(3, 3000)];
  expect(choose(evidence("$1", { option: id(1), transcripts: twice }))).toEqual({ $1: id(1) });
  expect(choose(evidence("$1", { option: id(1), hook: id(3), transcripts: twice }))).toEqual({ $1: id(3) });
});

test("a clock that was set back makes no older conversation of the same directory the newer one", () => {
  const transcripts = [transcript(1, 2500), transcript(2, 1500)];
  expect(choose(evidence("$1", { option: id(1), transcripts }))).toEqual({ $1: id(1) });
});

test("somebody else's recorded conversation in the same directory is no newer one of mine", () => {
  const transcripts = [transcript(1, 1100), transcript(2, 2000)];
  expect(
    choose(evidence("$1", { option: id(1), transcripts }), evidence("$2", { option: id(2), transcripts })),
  ).toEqual({
    $1: id(1),
    $2: id(2),
  });
});

test("a conversation that two sessions claim equally is given to neither, and to the better source otherwise", () => {
  expect(choose(evidence("$1", { argument: id(1) }), evidence("$2", { argument: id(1) }))).toEqual({});
  expect(choose(evidence("$1", { option: id(1) }), evidence("$2", { argument: id(1) }))).toEqual({ $1: id(1) });
});

test("whatever the evidence, a conversation is at most one session's, and an id is an id", () => {
  const anyId = fc.option(fc.oneof(fc.integer({ min: 1, max: 4 }).map(id), fc.constantFrom("../../x", "-- -x", "")), {
    nil: undefined,
  });
  const transcripts = fc.array(
    fc.record({ id: fc.integer({ min: 1, max: 6 }).map(id), begunAtMs: fc.nat(2000), writtenAtMs: fc.nat(2000) }),
    { maxLength: 4 },
  );
  const any = fc.record({ option: anyId, hook: anyId, argument: anyId, transcripts });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 5 }), (all) => {
      const chosen = chooseConversations(
        all.map(({ option, hook, argument, transcripts: found }, at) => ({
          key: `$${at}`,
          startedAtMs: STARTED,
          written: new Map(found.map((t) => [t.id, t.writtenAtMs])),
          transcripts: found,
          ...(option === undefined ? {} : { option }),
          ...(hook === undefined ? {} : { hook }),
          ...(argument === undefined ? {} : { argument }),
        })),
      );
      const ids = [...chosen.values()];
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((one) => !CONVERSATION_ID.test(one))).toEqual([]);
    }),
  );
});

test("a name is given back to tmux so that it keeps the very same one", () => {
  expect(nameToGive("plain ü")).toBe("plain ü");
  expect(nameToGive("n\\ta\\nm\\\\x\\001")).toBe("n\ta\nm\\x\x01");
  expect(nameToGive("a #{pane_id} #(id)")).toBe("a ##{pane_id} ##(id)");
  expect(nameToGive("broken \\303( and \\000")).toBe("broken \\303( and \\000");
  expect(literal("/a#b")).toBe("/a##b");
  expect([";", "a;b", "a;", "a\\;", "a;\n"].map(literal)).toEqual(["\\;", "a;b", "a\\;", "a\\\\;", "a;\n"]);
});

test("tmux's listing is read a line a pane; what is not understood is said and not recorded", () => {
  const listing = `$1 1700000000 11 10 - ${id(1)} a b\n$1 1700000000 10 11 - - a b\n$2 17 11 12 ${id(2)} - =x:y\nnonsense\n`;
  const { found, warnings } = parseListing(listing);
  expect(found.map(({ key, name, panes }) => [key, name, panes.map(({ pid }) => pid)])).toEqual([
    ["$1", "a b", [10, 11]],
    ["$2", "=x:y", [12]],
  ]);
  expect(warnings).toHaveLength(1);
});

test("a process's line is read whatever its name holds, and its arguments tell an id in each form", () => {
  const rest = `S 7 ${Array.from({ length: 17 }, (_, n) => n).join(" ")} 4242 0`;
  expect(parseStat(`12 (a) b (c) ${rest}\n`)).toEqual({ pid: 12, name: "a) b (c", parent: 7, startedTicks: 4242 });
  expect(parseStat("")).toBeUndefined();
  expect(idArgument(["claude", "--session-id", "x", "--name", "y"])).toBe("x");
  expect(idArgument(["claude", "--resume=x"])).toBe("x");
  expect(idArgument(["claude", "", ""])).toBeUndefined();
});

test("the terminal map names people; its header and anything else do not", () => {
  expect(namesIn("# Generated\nana@example.org=ana_b\nbob=bob\nx=Root\n=y\nz=a b\n")).toEqual(["ana_b", "bob"]);
});
