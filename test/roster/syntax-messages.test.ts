import { describe, expect, test } from "vitest";
import { linesOf, rosterOf, row } from "./support.ts";

/** The lines about three people, with more fields for the second: those begin on line 10. */
const withFields = (fields: string): readonly string[] =>
  linesOf(rosterOf(row("ada"), row("bob", fields), row("eva"))).map((line) => line.replace("roster.yaml:", ""));

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

describe("what is not closed is reported where it opens, and once", () => {
  test.each([
    [
      "a double quote that nothing closes",
      'email: "a@b',
      '10:12: bob: this quote is not closed; write another " where',
    ],
    [
      "a single quote that nothing closes",
      "email: 'a@b",
      "10:12: bob: this quote is not closed; write another ' where",
    ],
    ["a quote that the next one closes", 'email: "a@b\nhost: "devvm"', "10:12: bob: this quote is not closed"],
    ["a quote that goes on too far to the left", 'email: "a\n@b"', "10:12: bob: this quote is not closed"],
    ["a list", "repos: [a, b", '10:12: bob: this "[" is not closed; write "]" where the list ends'],
    ["a map", "limits: {memory: 8G", '10:13: bob: this "{" is not closed; write "}" where the map ends'],
    ["a list within a map", "limits: {memory: [8G}", '10:22: bob: this "[" is not closed; write "]"'],
    ["a list of several lines", "repos: [a,\n  b,\n  c", '10:12: bob: this "[" is not closed; write "]"'],
    ["a list whose lines are not indented", "repos: [\na\n]", '10:12: bob: indent the lines within this "[" deeper'],
    ["a tab within a list", "repos: [a,\n\tb]", "11:5: a tab indents this line; use spaces, two a level"],
    ["a tab within a map", "limits: {\n\tmemory: 8G\n}", "11:5: a tab indents this line; use spaces, two a level"],
    ["a bracket too many", "repos: [a]]", '10:15: bob: this "]" closes nothing; delete it, or put'],
    ["a brace alone", "host: }", '10:11: bob: this "}" closes nothing; delete it, or put'],
  ])("%s", (_which, fields, says) => expect(withFields(fields)).toEqual([expect.stringContaining(says)]));

  test("a tab at the beginning of a line within a list", () =>
    expect(linesOf(rosterOf(row("bob", "repos: [a,\n  b]").replace("      b", "\tb"), row("eva", "", "king")))).toEqual(
      ["roster.yaml:7:1: a tab indents this line; use spaces, two a level"],
    ));

  test("two of them in two rows are two", () =>
    expect(linesOf(rosterOf(row("ada", "repos: [a"), row("bob", 'email: "x')))).toEqual([
      expect.stringMatching(/:6:12: ada: this "\[" is not closed/),
      expect.stringMatching(/:11:12: bob: this quote is not closed/),
    ]));
});

describe("what YAML cannot read has a plain sentence that names the cause, and its person", () => {
  test.each([
    ["host: a: b", '10:11: bob: a second ": " stands on this line; put the inner key on a line of its own'],
    ["  host: devvm", "10:7: bob: this line is indented deeper than the line above, whose value it would continue"],
    ["- a\nhost: x", "10:5: bob: an item of a list stands among keys; write it below the key of its list"],
    ["host\nemail: a@b", '10:5: bob: "host" is no key, because no colon follows it; write a colon, a space and'],
    ["email: a@b\nhost", '11:5: bob: "host" is no key, because no colon follows it; write a colon, a space and'],
    ["host:devvm\nemail: a@b", '10:5: bob: a space is missing after ":"; write "host: devvm"'],
    ["email: a@b\nhost:devvm", '11:5: bob: a space is missing after ":"; write "host: devvm"'],
    ["repos:\n  - a\n  -b", '12:7: bob: a space is missing after "-"; write "- b"'],
    ["repos:\n  - a\n  b", "12:7: bob: the indentation does not fit the lines above; start the keys of one map"],
    ["repos: - a", "10:12: bob: a list cannot begin on the line of its key; write it in brackets, as in [a, b]"],
    ["repos: [- a]", '10:13: bob: "- " begins an item only on a line of its own; within brackets put a comma'],
    ['repos: ["a" "b"]', "10:17: bob: a comma is missing before this; within brackets put one between items"],
    ['limits: {memory: "8G" cpu: 10%}', "10:22: bob: a comma is missing after this; within brackets put one"],
    ["repos: [a,, b]", "10:15: bob: nothing stands before this comma; delete it, or write the item"],
    ["repos: [a]#b", '10:15: bob: "#" begins a comment only after a space; write a space before it, or put'],
    ['host: "a" b', "10:15: bob: the value ends before this; put the whole value in quotes, or delete what"],
    ["email: |foo", '10:12: bob: a value that begins with "|" is a text of several lines; put the whole value in'],
    ["email: >foo", '10:12: bob: a value that begins with ">" is a text of several lines; put the whole value in'],
    ['email: "C:\\Users"', "10:15: bob: this backslash begins no escape that YAML has; put the value in single quotes"],
    [`${"k".repeat(1100)}: 1`, "10:5: bob: a key of more than 1024 characters; nothing in a roster is that long"],
    ["host: & x", '10:11: bob: "&" begins an anchor, which a roster has no use for; delete it, or put the whole'],
    ["host: * x", '10:11: bob: "*" begins an alias, which a roster has no use for; delete it, or put the whole'],
    ["host: !e!x y", '10:11: bob: "!" begins a tag, which a roster has no use for; delete it, or put the whole'],
  ])("%j", (fields, says) => expect(withFields(fields)).toEqual([expect.stringContaining(says)]));

  test.each([
    ["a word in the first column", "hello\n", '"hello" is no key, because no colon follows it'],
    ["a line behind the end of the document", "...\nhello: 1\n", 'the line "..." above ends the roster'],
  ])("%s, which may belong to anybody, names nobody", (_which, more, says) => {
    const line = more.startsWith("...") ? 7 : 6;
    expect(linesOf(`${rosterOf(row("bob"))}${more}`)).toEqual([
      expect.stringMatching(new RegExp(`^roster\\.yaml:${line}:\\d+: ${says}`)),
    ]);
  });

  test("what a paste left in a row names its person as well", () =>
    expect(withFields("email:\u00a0a@b")).toEqual([expect.stringContaining("10:11: bob: the character U+00A0")]));
});
