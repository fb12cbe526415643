import { describe, expect, test } from "vitest";
import { linesOf, rosterOf, row } from "./support.ts";

describe("no character that a terminal obeys is shown", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is its purpose
  const OBEYED = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/;
  const key = '"b\\e[2J\\x9b1m\\u202e"';

  test.each([
    ["as a person", rosterOf(row(key).replaceAll(`user: ${key}`, "user: bob"))],
    ["as a person twice", rosterOf(row(key), row(key))],
    ["as a field", rosterOf(row("bob", `${key}: 1`))],
    ["as a field and as its own former value", rosterOf(row("bob", `${key}: x\npreviously: {${key}: x}`))],
    ["as a value", rosterOf(row("bob", `host: ${key}`))],
    ["as the holder of a login", rosterOf(row(key).replaceAll(`user: ${key}`, "user: bob"), row("bob"))],
    [
      "as the owner of a namespace",
      rosterOf(
        row(key, "namespaces: [shop]", "namespace-owner").replaceAll(`user: ${key}`, "user: ada"),
        row("bob", "namespaces: [shop, ada]", "namespace-owner"),
      ),
    ],
    ["as a key of the roster", `${key}: 1\n`],
  ])("%s", (_where, text) => {
    const lines = linesOf(text);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => OBEYED.test(line))).toEqual([]);
  });

  test("a person whose key is no plain name is shown like a value", () =>
    expect(linesOf(`users:\n  ${key}: {}\n`)[0]).toMatch(
      /^roster\.yaml:2:3: "b\\u\{1b\}\[2J\\u\{9b\}1m\\u\{202e\}": /,
    ));
});
