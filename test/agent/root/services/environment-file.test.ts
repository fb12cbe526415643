import fc from "fast-check";
import { expect, test } from "vitest";
import { assignmentOf, setAssignments } from "../../../../agent/root/services/environment-file.ts";

const set = (text: string, port = "3773") => setAssignments(text, new Map([["T3_PORT", port]]));

test.each([
  ["an empty file gets the line", "", "T3_PORT=3773\n"],
  ["a file without its last line end keeps its last line", "A=1", "A=1\nT3_PORT=3773\n"],
  ["the line is replaced where it stands", "A=1\nT3_PORT=1\nB=2\n", "A=1\nT3_PORT=3773\nB=2\n"],
  ["a second one is taken out", "T3_PORT=1\nA=1\nT3_PORT=2\n", "T3_PORT=3773\nA=1\n"],
  ["a comment is no assignment", "# T3_PORT=1\n;T3_PORT=2\n", "# T3_PORT=1\n;T3_PORT=2\nT3_PORT=3773\n"],
  [
    "a name that only begins alike is another one",
    "T3_PORTS=1\nXT3_PORT=2\n",
    "T3_PORTS=1\nXT3_PORT=2\nT3_PORT=3773\n",
  ],
  ["what stands inside quotes over lines is a value", 'A="x\nT3_PORT=1\n"\n', 'A="x\nT3_PORT=1\n"\nT3_PORT=3773\n'],
  ["what a backslash carries over is a value", "A=x\\\nT3_PORT=1\n", "A=x\\\nT3_PORT=1\nT3_PORT=3773\n"],
  ["behind a quote that is never closed, the line goes to the front", 'A="x\n', 'T3_PORT=3773\nA="x\n'],
  ["behind a comment that a backslash carries on, the line goes to the front", ";\\\n", "T3_PORT=3773\n;\\\n"],
  ["a value of ours over several lines goes as a whole", 'T3_PORT="1\n2"\nA=1\n', "T3_PORT=3773\nA=1\n"],
  ["spaces around the name are read as systemd does", "  T3_PORT =1\n", "  T3_PORT=3773\n"],
  ["line ends of another system stay on the person's lines", "A=1\r\nT3_PORT=1\r\n", "A=1\r\nT3_PORT=3773\n\n"],
])("%s", (_, before, after) => {
  expect(set(before)).toBe(after);
});

/** Lines of the kinds that people and attackers write, and arbitrary bytes. */
const piece = fc.oneof(
  fc.constantFrom(
    "A=1\n",
    "T3_PORT=9\n",
    "#c\n",
    'Q="',
    "'",
    "\\",
    "\n",
    "\r\n",
    "T3_PORT",
    "=",
    " ",
    "\t",
    ";",
    "é",
    '"',
  ),
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: 4 }),
);
const file = fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(""));

test("whatever the file holds, systemd reads the given port, and a second time changes nothing", () => {
  fc.assert(
    fc.property(file, fc.integer({ min: 1024, max: 65535 }).map(String), (text, port) => {
      const merged = set(text, port);
      expect(assignmentOf(merged, "T3_PORT")).toBe(port);
      expect(set(merged, port)).toBe(merged);
    }),
    { numRuns: 3000 },
  );
});

test("every other line stays, byte for byte and in its order", () => {
  const plain = fc.constantFrom("A=1", "B='x y'", "# note", "", 'C="\\"q"', "D=\u00ff\u0080");
  fc.assert(
    fc.property(fc.array(plain), fc.array(fc.nat({ max: 10 }), { maxLength: 3 }), (lines, places) => {
      const withPorts: string[] = [...lines];
      for (const at of places) withPorts.splice(Math.min(at, withPorts.length), 0, `T3_PORT=${at}`);
      const merged = set(withPorts.map((line) => `${line}\n`).join(""))
        .split("\n")
        .slice(0, -1);
      expect(merged.filter((line) => !line.startsWith("T3_PORT="))).toEqual(lines);
      expect(merged.filter((line) => line.startsWith("T3_PORT="))).toEqual(["T3_PORT=3773"]);
    }),
  );
});
