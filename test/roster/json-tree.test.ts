/** JSON is read exactly where `JSON.parse` reads it, but for doubled keys and depth, and each error has its place. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { readJson } from "../../roster/text/json-tree.ts";
import { plainValue } from "../../roster/text/tree-values.ts";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Every text of JSON's own characters, most of them broken. */
const almostJson = fc
  .array(
    fc.constantFrom(..."{}[]:,\"\\/0123.-+eEtruefalsnu \t\n\u00a0\ufeff'abx\u0007", '"a"', '"b":', "null", "\\u00e9"),
    {
      maxLength: 14,
    },
  )
  .map((parts) => parts.join(""));

test("accepts what JSON.parse accepts, and refuses what it refuses", () => {
  fc.assert(
    fc.property(almostJson, (text) => {
      const read = readJson(text);
      if (!read.ok && /a second time/.test(read.message)) return;
      expect(read.ok, text).toBe(isJson(text));
    }),
    { numRuns: 20_000 },
  );
});

test("reads the same values as JSON.parse", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5, noUnicodeString: false }), (text) => {
      const read = readJson(text);
      if (!read.ok && /a second time/.test(read.message)) return;
      expect(read.ok && JSON.stringify(plainValue(read.tree))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test.each([
  ["", 0, "expected a value but found the end of the file"],
  ['{"a":1,}', 7, 'expected a string in double quotes but found "}"'],
  ['{"a" 1}', 5, 'expected ":" but found "1"'],
  ["[1 2]", 3, 'expected "," but found "2"'],
  ['{"a":1', 6, 'expected "," or "}" but found the end of the file'],
  ["{} x", 3, 'expected the end of the file but found "x"'],
  ["{} {}", 3, 'expected the end of the file but found "{"'],
  ["/* a */ {}", 0, 'expected a value but found "/"'],
  ['{"a":{"b":1,"b":2}}', 12, 'the key "b" stands here a second time'],
  [`${"[".repeat(33)}1`, 33, "nested more than 32 levels deep"],
  ["[".repeat(100_000), 33, "nested more than 32 levels deep"],
])("%j fails at its place", (text, offset, message) => {
  expect(readJson(text)).toMatchObject({ ok: false, offset, message: expect.stringContaining(message) });
});

test("a key called __proto__ is a key like any other", () => {
  const read = readJson('{"__proto__": {"a": 1}}');
  expect(read.ok && read.tree.kind === "map" && [...read.tree.entries.keys()]).toEqual(["__proto__"]);
});
