/** Holds docs/language.md: the words it replaces, and no reference to a text that is not in the repository. */

import { expect, test } from "vitest";
import {
  findings,
  firstComment,
  glossary,
  messagesOf,
  MISSING_TEXTS,
  namesIn,
  proseOf,
  startsWithVerb,
} from "./language.ts";
import { files, text } from "./sources.ts";

test("no path, message, page or first comment uses a word that docs/language.md replaces", () => {
  expect(
    findings().map(({ kind, file, line, word, write }) => `${file}:${line}: "${word}" (${kind}): write ${write}`),
  ).toEqual([]);
});

test("each first comment outside of tests begins with a verb in the third person", () => {
  const fragments = files(/^(?!node_modules|docs\/|test\/).*\.(ts|mjs|sh)$/)
    .filter((file) => !startsWithVerb(firstComment(file).text))
    .map((file) => `${file}: ${firstComment(file).text.split("\n").slice(0, 2).join(" ")}`);
  expect(fragments).toEqual([]);
});

test.each([
  ["/** Converges one account: creates it. */", true],
  ["/**\n * Implements `./ws plan`: reports. */", true],
  ["# Lists, issues and revokes tokens.", true],
  ["/** Settings of Vault. */", false],
  ["/** Writers of the branch. */", false],
  ["/** The step `publish`. */", false],
  ["", false],
])("%s: begins with a verb: %s", (comment, expected) => {
  expect(startsWithVerb(comment)).toBe(expected);
});

test("a page is read without its code and the addresses of its links, every line in its place", () => {
  const page = "The gate\n```sh\ngate\n```\n`gate` and [a gate](../gate.md)\n";
  const { text: prose } = proseOf("x.md", page);
  expect(prose.split("\n").map((line) => line.match(/gate/g)?.length ?? 0)).toEqual([1, 0, 0, 0, 1, 0]);
  expect(proseOf("x.yaml", "gate: 1\n  # The gate\n").text).toBe("\n  # The gate\n");
});

test("no text refers to one that is not in the repository", () => {
  const referring = files(/\.(ts|mjs|sh|md|yaml)$/)
    .filter((file) => !/^(docs\/language\.md|test\/house\/language.*)$/.test(file))
    .flatMap((file) =>
      text(file)
        .split("\n")
        .flatMap((line, index) =>
          MISSING_TEXTS.some((pattern) => pattern.test(line)) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
        ),
    );
  expect(referring).toEqual([]);
});

test("a word of two rows would say two things to write", () => {
  const words = glossary().map(({ word }) => word);
  expect(words.length).toBeGreaterThan(60);
  expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
});

test("the check reads every text of three words, and no names and paths", () => {
  const source = [
    'const path = "a/b";',
    `throw new Refusal(\`the first \${path} text \${ok ? 'and a second' : ''}\`, { cause });`,
    'const command = { name: "no", help: "a third text" };',
    "// no text that is a comment",
  ].join("\n");
  expect(messagesOf("x.ts", source).map((passage) => `${passage.line} ${passage.text}`)).toEqual([
    ...["2 the first … text …", "2 and a second", "3 a third text"],
  ]);
});

test("the check reads the first comment alone", () => {
  expect(firstComment("x.ts", "/** One. */\n/** Two. */\n").text).toBe("/** One. */");
  expect(firstComment("x.sh", "#!/bin/sh\n# One.\nset -e\n# Two.\n")).toEqual({ line: 2, text: "# One." });
});

test("a name may hold a term of the field and a word's own replacement, and no other replaced word", () => {
  const wrong = (file: string) => namesIn(file, glossary()).map(({ word }) => word);
  expect(wrong("portal/page/require-same-origin.ts")).toEqual([]);
  expect(wrong("agent/root/host/access-maps.ts")).toEqual([]);
  expect(wrong("test/agent/in-memory-system.ts")).toEqual([]);
  expect(wrong("lobby/same.ts")).toEqual(["lobby", "same"]);
  expect(wrong("cli/board/maps.ts")).toEqual(["maps"]);
  expect(wrong("cli/board/memory.test.ts")).toEqual(["memory"]);
});
