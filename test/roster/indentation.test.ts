import { describe, expect, test } from "vitest";
import { linesOf, rosterOf, row } from "./support.ts";

const RIGHT = `users:
  ada:
    authentik_user: ada
    k8s_user: ada
    tier: power-user
  bob:
    authentik_user: bob
    k8s_user: bob
    tier: namespace-owner
    namespaces:
      - shop
      - cart
    code_layout: workspace
    limits:
      memory: 8G
      cpu: 200%
      tasks: 512
    previously:
      k8s_user: rob
      email: rob@example.org
    email: bob@example.org
  eva:
    authentik_user: eva
    k8s_user: eva
    tier: power-user
`;

const COLUMNS = ["", " ", "  ", "   ", "    ", "     ", "      ", "       ", "        "];
const TABS = ["\t", "\t\t", "  \t", "    \t", "  \t  "];

/** Every line below `users:`, by its number. */
const LINES = RIGHT.trimEnd()
  .split("\n")
  .map((line, index) => [index + 1, line.trim()] as const)
  .slice(1);

/** The roster with another text for one of its lines. */
const withLine = (number: number, text: string): string =>
  RIGHT.split("\n")
    .map((line, index) => (index + 1 === number ? text : line))
    .join("\n");

/** The line that each problem names. */
const places = (text: string): readonly (string | undefined)[] =>
  linesOf(text).map((line) => /^roster\.yaml:(\d+):/.exec(line)?.[1]);

describe("a line in a wrong column is one problem, which is told at that line", () => {
  test("the roster is right as it is", () => expect(linesOf(RIGHT)).toEqual([]));

  test.each(LINES)("line %i, %s, in every other column", (number, text) => {
    const others = COLUMNS.map((indent) => indent + text).filter((line) => withLine(number, line) !== RIGHT);
    expect(others.map((line) => places(withLine(number, line)))).toEqual(others.map(() => [String(number)]));
  });

  test.each(LINES)("line %i, %s, with a tab", (number, text) => {
    const tab = (indent: string) => linesOf(withLine(number, indent + text)).join("\n");
    for (const indent of TABS)
      expect(tab(indent)).toMatch(
        new RegExp(
          `^roster\\.yaml:${number}:${indent.indexOf("\t") + 1}: (bob: |ada: |eva: )?a tab indents this line[^\n]*$`,
        ),
      );
  });

  test.each(LINES.filter(([, text]) => text.includes(":")))("line %i, %s, without its colon", (number, text) => {
    const [line = "", ...more] = linesOf(
      withLine(number, `${/^ */.exec(RIGHT.split("\n")[number - 1] ?? "")?.[0]}${text.replace(":", "")}`),
    );
    expect([line, more]).toEqual([
      expect.stringMatching(new RegExp(`:${number}:\\d+: .*is no key, because no colon`)),
      [],
    ]);
  });
});

describe("it is told of the person it belongs to, and everything else is judged", () => {
  const bob = (text: string) => linesOf(rosterOf(row("ada"), text, row("eva", "", "king")));
  const king = expect.stringMatching(/: eva: tier: "king" is not valid/);

  test.each([
    [2, '8:3: bob: "k8s_user" is a field of a person and stands among the people; indent it below bob'],
    [0, '8:1: bob: "k8s_user" is a field of a person and stands beside users:; indent it below bob'],
    [3, "8:4: bob: the indentation does not fit the lines above; start the keys of one map"],
    [6, "8:7: bob: this line is indented deeper than the line above, whose value it would continue; indent both alike"],
  ])("a field by %i", (column, says) =>
    expect(bob(row("bob").replace("    k8s", `${" ".repeat(column)}k8s`))).toEqual([
      expect.stringContaining(says),
      king,
    ]),
  );

  test("the value on the line itself", () =>
    expect(bob(row("bob", "", "duke").replace("    tier", "  \t  tier"))).toEqual([
      "roster.yaml:9:3: bob: a tab indents this line; use spaces, two a level",
      expect.stringMatching(/:9:12: bob: tier: "duke" is not valid/),
      king,
    ]));

  test("several of them are several, and fields that follow one another are one", () =>
    expect(
      bob(
        row("bob", "host: mars")
          .replace("    k8s", "  k8s")
          .replace("    tier", "  tier")
          .replace("    host", "     host"),
      ),
    ).toEqual([
      'roster.yaml:8:3: bob: "k8s_user" and "tier" are fields of a person and stand among the people; indent them below bob',
      expect.stringMatching(/:10:6: bob: this line is indented deeper/),
      expect.stringMatching(/:10:12: bob: host: this stack has no host "mars"/),
      king,
    ]));

  test("a name without its colon", () =>
    expect(bob(row("bob").replace("bob:", "bob"))).toEqual([
      expect.stringMatching(/^roster\.yaml:6:3: "bob" is no key, because no colon follows it; write a colon/),
      king,
    ]));

  test("a name among the fields of the person above", () =>
    expect(bob(row("bob").replace("  bob", "    bob"))).toEqual([
      'roster.yaml:6:5: "bob" looks like a person and stands among the fields of another; indent it like the other names',
      king,
    ]));

  test("with line ends of Windows", () =>
    expect(bob(row("bob").replace("    tier", "  tier")).length).toBe(
      bob(row("bob").replace("    tier", "  tier").replaceAll("\n", "\r\n")).length,
    ));

  test("users without its colon", () =>
    expect(linesOf(rosterOf(row("ada"), row("eva", "", "king")).replace("users:", "users"))).toEqual([
      expect.stringMatching(/^roster\.yaml:1:1: "users" is no key, because no colon follows it/),
      king,
    ]));
});
