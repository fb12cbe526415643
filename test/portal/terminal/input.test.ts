/** What is typed, pasted and shown in a terminal's page: text from elsewhere acts as no key, and nothing grows without end. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isReport, messagesOf, pastedText, titleText, withControl } from "../../../portal/terminal/browser/input.ts";
import { LONGEST_MESSAGE_BYTES } from "../../../agent/shared/terminal/protocol.ts";

test("a paste keeps its lines, tabs and letters, and loses every control character", () => {
  expect(pastedText("one\r\ntwo\rthree\n\tfür 🙂")).toBe("one\ntwo\nthree\n\tfür 🙂");
  // The end of a bracketed paste, in both forms, and then a command.
  expect(pastedText("safe\x1b[201~\nrm -rf x\n")).toBe("safe[201~\nrm -rf x\n");
  expect(pastedText("safe\x9b201~x\x03\x04\x7f\0")).toBe("safe201~x");
});

test("no paste at all can leave its brackets", () => {
  const letters = fc.array(fc.integer({ min: 0, max: 0x2ff })).map((codes) => String.fromCharCode(...codes));
  const isControl = (letter: string) => /\p{Cc}/u.test(letter) && letter !== "\n" && letter !== "\t";
  const found = fc.check(fc.property(letters, (text) => ![...pastedText(text)].some(isControl)));
  expect(found.counterexample).toBe(null);
});

test.each([
  ["\x1b]0;evil\x07\x1b[2J", "]0;evil [2J"],
  ["<b>bold</b>\nsecond", "<b>bold</b> second"],
  ["abc\u202egnp.exe", "abc gnp.exe"],
  ["x".repeat(300), "x".repeat(200)],
])("a title is shown as one line of plain text: %j", (title, shown) => {
  expect(titleText(title)).toBe(shown);
});

test("Ctrl on the screen makes of the next key what a keyboard would send", () => {
  const typed = ["c", "C", "[", " ", "?", "_", "@"].map(withControl);
  expect(typed).toEqual(["\x03", "\x03", "\x1b", "\0", "\x7f", "\x1f", "\0"]);
  const arrows = ["\x1b[A", "\x1b[B", "\x1bOC", "\x1bOD"].map(withControl);
  expect(arrows).toEqual(["\x1b[1;5A", "\x1b[1;5B", "\x1b[1;5C", "\x1b[1;5D"]);
  expect(["\x1b[H", "\x1b[AA", "\x1b[", "x[A"].map(withControl)).toEqual(Array(4).fill(undefined));
  expect(["1", "ü", "ab", ""].map(withControl)).toEqual([undefined, undefined, undefined, undefined]);
});

test.each([
  ["the mouse", ["\x1b[<0;10;5M", "\x1b[<0;10;5m", "\x1b[<64;1;1M"], true],
  ["the focus", ["\x1b[I", "\x1b[O"], true],
  ["the terminal's answers", ["\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[0n", "\x1b[24;80R", "\x1b[?2026;2$y"], true],
  ["its colours and settings", ["\x1b]11;rgb:0000/0000/0000\x1b\\", "\x1bP1$r0m\x1b\\"], true],
  ["keys", ["c", "[", "\x1b", "\x1b[A", "\x1bOA", "\x1b[1;5A", "\x1b[H", "\x1b[Z", "\x1b[15~", "\x1bOP"], false],
  ["keys with Alt", ["\x1b]", "\x1bP", "\x1b[", "\x1bc"], false],
])("Ctrl on the screen waits for a key: of %s %j a report: %s", (_, sent, report) => {
  expect(sent.map(isReport)).toEqual(sent.map(() => report));
});

test("a long paste becomes messages that the service takes, with every byte of it", () => {
  const text = "ü🙂".repeat(50_000);
  const messages = messagesOf(text);
  expect(Math.max(...messages.map(({ length }) => length))).toBeLessThanOrEqual(LONGEST_MESSAGE_BYTES);
  expect(Buffer.concat(messages).toString("utf8")).toBe(text);
  expect(messagesOf("")).toEqual([]);
});
