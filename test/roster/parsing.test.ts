import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadRoster } from "../../roster/load.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { people, yamlOf } from "./generators.ts";
import { linesOf, problemsOf, PROPERTY, roster, rosterOf, row, RUNS } from "./support.ts";

const MIB = 1024 * 1024;
const sample = readFileSync(new URL("../../roster.yaml", import.meta.url), "utf8");

describe("what is a roster", () => {
  test.each([
    "",
    "\n",
    "# only a comment\n",
    "~",
    "{}",
    "users:\n",
    "users: ~",
    "users: {}",
    "\ufeffusers: {}\r\n",
    "--- \nusers: {}\n...\n",
  ])("%j is the same empty roster", (text) => expect([...roster(text).rows]).toEqual([]));

  test("a misspelt top key is an error and no empty roster", () => {
    expect(linesOf("user:\n  bob: {}\n")).toEqual([
      'roster.yaml:1:1: "user" is not a key of a roster; did you mean "users"?',
    ]);
  });

  test("the repository's own roster is right and says what it says", () => {
    expect(
      [...roster(sample).rows.values()].map(({ osUser, tier, layout, repos }) => [osUser, tier, layout, repos]),
    ).toEqual([
      ["wizard", "admin", "single", []],
      ["emo", "power-user", "single", []],
      ["ancamilea", "namespace-owner", "workspace", ["tripit"]],
    ]);
  });

  test("a roster on one line, as JSON has it, is no deeper than on many", () => {
    const parsed = parse(sample) as unknown;
    expect(roster(JSON.stringify(parsed)).rows).toEqual(roster(sample).rows);
  });

  test("line ends of Windows change neither the people nor the places", () => {
    const broken = rosterOf(row("bob", "host: nowhere"));
    expect(roster(sample.replaceAll("\n", "\r\n")).rows).toEqual(roster(sample).rows);
    expect(linesOf(broken.replaceAll("\n", "\r\n"))).toEqual(linesOf(broken));
  });
});

describe("hostile text", () => {
  const hostile: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ["an alias bomb", `a: &a [x, x]\nb: &b [${"*a, ".repeat(50)}]\nusers: {bob: *b}\n`, /alias/],
    ["brackets 100,000 deep", "[".repeat(100_000), /:1:17: nested more than 16 levels/],
    ["maps 100,000 deep", "{a: ".repeat(100_000), /nested more than 16 levels/],
    ["lists 100,000 deep on one line", `${"- ".repeat(100_000)}a`, /nested more than 16 levels/],
    ["question marks 100,000 deep", "? ".repeat(100_000), /nested more than 16 levels/],
    [
      "indentation 1,400 deep",
      Array.from({ length: 1400 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      /indented by 121/,
    ],
    ["ten megabytes", "a".repeat(10 * MIB), /:1:1: the file holds 10.0 MiB; 1 MiB is the limit/],
    ["a megabyte of quotes", '"'.repeat(MIB - 1), /holds more than 250000 words and signs/],
    ["hundreds of thousands of commas", `users: [${",".repeat(120_000)}]`, /nothing stands before this comma/],
    ["hundreds of thousands of brackets too many", "]".repeat(100_000), /:1:1: this "\]" closes nothing; delete it/],
    ["as many below a roster", `users: {}\n${"]\n".repeat(60_000)}`, /:2:1: this "\]" closes nothing; delete it/],
    ["signs of anchors", "& ".repeat(70_000), /"&" begins an anchor/],
    ["aliases on one line", "*a ".repeat(70_000), /"\*a" is an alias/],
    ["values on one line", `users: ${"'a' ".repeat(70_000)}`, /the value ends before this/],
    [
      "tens of thousands of namespaces",
      `users: {a: {tier: namespace-owner, namespaces: [${Array.from({ length: 40_000 }, (_, at) => `n${at}`).join(",")}]}}`,
      /authentik_user is missing/,
    ],
    [
      "tens of thousands of people without a field",
      `users:\n${Array.from({ length: 18_000 }, (_, at) => `  p${at}: {}\n`).join("")}`,
      /authentik_user is missing/,
    ],
    ["a megabyte of broken lines", "a: b: c\n".repeat(MIB / 8), /holds more than 250000 words and signs/],
    ["a megabyte of doubled keys", "a: 1\n".repeat(200_000), /holds more than 250000 words and signs/],
    ["a megabyte of directives", "%A\n".repeat(MIB / 3), /holds more than 250000 words and signs/],
    [
      "one endless value",
      `users: {bob: {tier: "${"\\q".repeat(400_000)}"}}`,
      /nothing in a roster is longer than 4096/,
    ],
    ["a null byte", "users:\n  bo\u0000b: {}\n", /:2:5: the character U\+0000/],
    ["an escape sequence for the terminal", "users:\n  \u001b[2Jbob: {}\n", /:2:3: the character U\+001B/],
    [
      "bytes that are not UTF-8",
      Uint8Array.of(...Buffer.from("users:\n  b"), 0xff, 0x0a),
      /:2:4: a byte here is not UTF-8/,
    ],
    ["half of a surrogate pair", "users:\n  \ud800: {}\n", /:2:3: the character U\+D800/],
    ["half of a pair, escaped", 'users:\n  "\\ud800": {}\n', /is not an OS user/],
    ["tabs for indentation", "users:\n\tbob:\n\t\ttier: admin\n", /:2:1: a tab indents this line/],
    ["a second document", "users: {}\n---\nusers: {}\n", /:2:1: a second YAML document/],
    ["a merge key", rosterOf(row("bob", "<<: {parked: true}")), /"<<" is not a field of a row/],
    ["a tag of JavaScript", "users: !!js/function 'x'\n", /the tag "!!js\/function" is not allowed/],
    ["a tag of one's own", `users:\n  bob: !admin {}\n`, /the tag "!admin" is not allowed/],
    [
      "a number as a key",
      "users:\n  12: {}\n",
      /:2:3: 12: expected a name as the key but found the number 12; an OS user is/,
    ],
    ["a switch as a key", "users:\n  true: {}\n", /put it in quotes if it is a name: "true"/],
    ["null as a key", "users:\n  ~: {}\n", /expected a name as the key but found nothing/],
    ["a list as a key", "users:\n  ? [a]\n  : {}\n", /expected a text as the key but found a list or a map/],
    ["an unfinished bracket", "users: {bob: [", /./],
    ["a list where people belong", "users: [bob]\n", /:1:8: users: expected one key for each person but found a list/],
    ["a word where the roster belongs", "hello\n", /:1:1: expected a map with the key "users" but found "hello"/],
  ];

  test.each(hostile)("%s ends in a located error within a second", (_, text, expected) => {
    // Processor time, and of the quickest of three: the clock would count what else this machine does, and a processor
    // that does two things at once does each slower.
    const timed = () => {
      const began = process.cpuUsage();
      const lines = linesOf(text);
      const { user, system } = process.cpuUsage(began);
      return { lines, ms: (user + system) / 1000 };
    };
    let { lines, ms } = timed();
    for (let tried = 1; tried < 3 && ms >= 1000; tried += 1) ({ lines, ms } = timed());
    expect(ms).toBeLessThan(1000);
    expect(lines.filter((line) => expected.test(line))).not.toEqual([]);
    expect(lines.every((line) => /^roster\.yaml:[1-9]\d*:[1-9]\d*: /.test(line))).toBe(true);
  });

  test.each([
    ["UTF-16 as Windows writes it", false, "\ufeff"],
    ["UTF-16 without a byte order mark", false, ""],
    ["UTF-16 in network order", true, "\ufeff"],
    ["UTF-16 in network order without a byte order mark", true, ""],
  ])("%s is told to be saved as UTF-8", (_which, isSwapped, mark) => {
    const bytes = Buffer.from(`${mark}${sample}`, "utf16le");
    expect(linesOf(isSwapped ? bytes.swap16() : bytes)).toEqual([
      "roster.yaml:1:1: the file is saved as UTF-16 or UTF-32; save it as UTF-8",
    ]);
  });

  test("Norway stays a name and no answer, and dates stay text", () => {
    const { rows } = roster(rosterOf(row("no", "until: 2026-12-31"), row("y"), row("off")));
    expect([...rows.values()].map(({ osUser, authentikUser, until }) => [osUser, authentikUser, until])).toEqual([
      ["no", "no", "2026-12-31"],
      ["y", "y", undefined],
      ["off", "off", undefined],
    ]);
  });

  test("any bytes give a roster or located errors", PROPERTY, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const loaded = loadRoster(bytes, "r.yaml", DEFAULT_POLICY);
        expect(loaded.ok || loaded.problems.every(({ line, column }) => line >= 1 && column >= 1)).toBe(true);
      }),
      RUNS,
    );
  });

  /** Words of the YAML library's own messages. */
  const PARSERS_WORDS = /\b(implicit|unexpected|flow|scalar|indicator|token|mappings?|sequence|header)\b/i;

  test("so does any text that is nearly YAML, in words that are no parser's", PROPERTY, () => {
    const piece = fc.constantFrom(
      "users:",
      "\n",
      "  ",
      "bob:",
      "{",
      "}",
      "[",
      "]",
      '"',
      "'",
      "- ",
      ": ",
      "#",
      "&a ",
      "*a",
      "!",
      "|",
      ">",
      "\t",
      "?",
      "%",
      "---",
      "tier: admin",
      "__proto__",
      ",",
      "\r",
      "é",
      "\u2028",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const loaded = loadRoster(pieces.join(""), "r.yaml", DEFAULT_POLICY);
        expect(loaded.ok ? [] : loaded.problems.filter(({ message }) => PARSERS_WORDS.test(message))).toEqual([]);
        expect(
          loaded.ok ||
            (loaded.problems.length > 0 && loaded.problems.every(({ line, column }) => line >= 1 && column >= 1)),
        ).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("what was written is what is read", () => {
  test("reading a printed roster gives the same people, in any order of the rows", PROPERTY, () => {
    fc.assert(
      fc.property(people(), (rows) => {
        const read = roster(yamlOf(rows)).rows;
        const again = roster(`# a comment\n${yamlOf([...rows].reverse())}`).rows;
        expect([...read.values()].map((row) => row.authentikUser)).toEqual(rows.map((row) => row.authentik_user));
        expect([...read.values()].map((row) => [...row.namespaces])).toEqual(rows.map((row) => row.namespaces));
        expect(new Map([...again].sort())).toEqual(new Map([...read].sort()));
      }),
      RUNS,
    );
  });

  const defects: readonly (readonly [string, RegExp])[] = [
    ["authentik_user: default", /authentik_user/],
    ["tier: boss", /tier/],
    ["parked: maybe", /parked/],
    ["limits: {memory: 8GB}", /limits\.memory/],
    ["until: 2026-13-01", /until/],
    ["colour: red", /colour/],
    ["host: mars", /host/],
    ["email: system:admin", /email/],
  ];

  const chosenDefects = fc.uniqueArray(fc.constantFrom(...defects), { minLength: 1, maxLength: 8 });
  const withDefect = (name: string, defect: string) =>
    `${row(name).replace(new RegExp(`    ${defect.split(":")[0]}: .*\n`), "")}    ${defect}\n`;

  test("k independent defects give at least k errors, each in its own row and of its own person", PROPERTY, () => {
    fc.assert(
      fc.property(chosenDefects, (chosen) => {
        const text = rosterOf(...chosen.map(([defect], index) => withDefect(`p${index}`, defect)));
        const starts = text.split("\n").flatMap((line, index) => (/^ {2}p\d+:$/.test(line) ? [index + 1] : []));
        const problems = problemsOf(text);
        for (const [index, [, about]] of chosen.entries()) {
          const own = problems.filter((problem) => problem.user === `p${index}`);
          const end = starts[index + 1] ?? Number.MAX_SAFE_INTEGER;
          expect(own.map((problem) => about.test(problem.message))).toEqual([true]);
          expect(own.every(({ line }) => line > (starts[index] ?? 0) && line < end)).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test("fixing one row adds no error elsewhere", PROPERTY, () => {
    fc.assert(
      fc.property(chosenDefects, fc.nat(7), (chosen, fixed) => {
        const others = (without: number | undefined) =>
          linesOf(
            rosterOf(
              ...chosen.map(([defect], index) =>
                index === without ? row(`p${index}`) : withDefect(`p${index}`, defect),
              ),
            ),
          )
            .filter((line) => !line.includes(`: p${fixed}: `))
            .map((line) => line.replace(/^\S+ /, ""));
        expect(others(fixed)).toEqual(others(undefined));
      }),
      RUNS,
    );
  });

  test("a broken line in one row hides no error of another, and makes no echo in its own", () => {
    expect(
      linesOf(
        rosterOf(row("ada").replace("tier: power-user", "tier: power: user"), row("bob").replace("power-user", "king")),
      ),
    ).toEqual([
      'roster.yaml:5:11: ada: a second ": " stands on this line; put the inner key on a line of its own, or quote the value',
      'roster.yaml:9:11: bob: tier: "king" is not valid; it must be one of admin, power-user, namespace-owner',
    ]);
  });
});
