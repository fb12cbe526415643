/** Tests that what mails, chats, web pages and Markdown make of a roster is named at its place, and everything else judged. */

import { describe, expect, test } from "vitest";
import { linesOf, rosterOf, row } from "./support.ts";

const BOB = row("bob", "email: bob@x.org\nhost: devvm");
const EVE = row("eve", "", "king");
const OF_EVE = /: eve: tier: "king" is not valid/;
/** What is said of a roster with this line in the place of bob's e-mail, without what is wrong with eve. */
function about(line: string): readonly string[] {
  const lines = linesOf(rosterOf(BOB.replace("email: bob@x.org", line), EVE));
  expect(lines.at(-1)).toMatch(OF_EVE);
  return lines.slice(0, -1).map((said) => said.replace("roster.yaml:", ""));
}
const QUOTE = 'which is no quote to YAML; type " in its place, or write the value without quotes';

describe("one sentence for a line with", () => {
  test.each([
    ["typographic quotes", "email: “bob@x.org”", `6:12: bob: "“" (U+201C) is a typographic quote, ${QUOTE}`],
    ["German ones", "email: „bob@x.org“", `6:12: bob: "„" (U+201E) is a typographic quote, ${QUOTE}`],
    ["single ones around the key", "‘email’: bob@x.org", `6:5: bob: "‘" (U+2018) is a typographic quote, ${QUOTE}`],
    ["an apostrophe alone", "email: bob’s@x.org", `6:15: bob: "’" (U+2019) is a typographic quote, ${QUOTE}`],
    ["marks of code", "email: `bob@x.org`", `6:12: bob: "\`" marks code in Markdown, ${QUOTE}`],
    ["a dash", "email: bob–b@x.org", '6:15: bob: "–" (U+2013) is a dash and no hyphen; type "-" in its place'],
    [
      "a full-width colon",
      "email： bob@x.org",
      '6:10: bob: "：" (U+FF1A) is a full-width character; type ":" in its place',
    ],
    [
      "a Cyrillic letter in a key",
      "еmail: bob@x.org",
      '6:5: bob: "е" (U+0435) only looks like the Latin letter "e"; type that',
    ],
    [
      "HTML",
      "email: &quot;bob@x.org&quot;",
      '6:12: bob: "&quot;" is HTML for a character; copy the roster as plain text, or type the character itself',
    ],
    [
      "HTML blanks before the key",
      "&nbsp;&nbsp;email: bob@x.org",
      '6:5: bob: "&nbsp;" is HTML for a character; copy the roster as plain text, or type the character itself',
    ],
    [
      "a tag",
      "email: bob@x.org<br>",
      '6:21: bob: "<br>" is a tag of HTML; copy the roster as plain text, or delete the tag',
    ],
    [
      "a link",
      "email: [bob@x.org](mailto:bob@x.org)",
      '6:12: bob: "[bob@x.org](mailto:bob@x.org)" is a link of Markdown; write the text alone: bob@x.org',
    ],
    [
      "bold text",
      "email: **bob@x.org**",
      '6:12: bob: "**" makes text bold or slanted in Markdown; write bob@x.org alone',
    ],
    ["a bold key", "**email**: bob@x.org", '6:5: bob: "**" makes text bold or slanted in Markdown; write email alone'],
    [
      "a bullet before the key",
      "• email: bob@x.org",
      '6:5: bob: "•" is a list sign, and a key follows it; delete the sign',
    ],
    [
      "a star before the key",
      "* email: bob@x.org",
      '6:5: bob: "*" is a list sign, and a key follows it; delete the sign',
    ],
    [
      "a number before the key",
      "2. email: bob@x.org",
      '6:5: bob: "2." is a list sign, and a key follows it; delete the sign',
    ],
  ])("%s", (_what, line, expected) => expect(about(line)).toEqual([expected]));

  const withUnit = "write the digits and the unit alone, or a whole number of a smaller unit, such as 1536M for 1,5G";
  const share = "write a whole share of processors, such as 250% for 2,5 of them";
  const thousandths = "write thousandths of a processor, such as 2500m for 2,5 of them";
  test.each([
    ["limits", "memory", "8,5G", withUnit],
    ["limits", "memory", "8,5 GB", withUnit],
    ["limits", "tasks", "4,096", "write the digits alone"],
    ["limits", "cpu", "150,5%", share],
    ["limits", "cpu", "150,5 %", share],
    ["limits", '"cpu"', "2,5", share],
    ["quota", "cpu_requests", "2,5", thousandths],
    ["quota", "cpu_requests", "2,5 cores", thousandths],
    ["quota", "memory_limits", "1,5Gi", withUnit],
  ])("a comma in the number of %s.%s: %s, in braces and without", (section, key, number, remedy) => {
    const said = expect.stringContaining(
      `bob: "${number}" has a comma, which no number of a roster has; ${remedy}`,
    ) as unknown;
    for (const text of [
      `${section}: {${key}: ${number}}`,
      `${section}: {${key}: ${number}, x: 1}`,
      `${section}:\n      ${key}: ${number}`,
    ])
      expect(about(text).filter((line) => !line.includes("has no effect"))).toEqual([said]);
  });
});

test("blanks without end before and after numbers with a comma cost no time", () => {
  const blanks = " ".repeat(100_000);
  expect(about(`limits:\n      memory:${blanks}8,5${blanks}\n      cpu: 150,5%${blanks}`)).toHaveLength(2);
}, 5000);

test.each(["•", "–", "*", "1."])("items with the sign %s are items all the same", (sign) => {
  const items = `code_layout: workspace\n    repos:\n      ${sign} web\n      ${sign} infra`;
  expect(about(items)).toEqual([
    `8:7: bob: "${sign}" is no list sign of YAML; write "- " before each item`,
    `9:7: bob: "${sign}" is no list sign of YAML; write "- " before each item`,
  ]);
});

test.each(["```", "~~~"])("a fence %s is told once, and the roster within it judged", (fence) =>
  expect(linesOf(`${fence}yaml\n${rosterOf(EVE)}${fence}\n`)).toEqual([
    `roster.yaml:1:1: "${fence}yaml" is a fence of Markdown; delete the lines that begin with "${fence}"`,
    expect.stringMatching(OF_EVE),
  ]),
);

test.each([
  ["U+2028", "\u2028", "the character U+2028"],
  ["U+2029", "\u2029", "the character U+2029"],
  ["a no-break space", "\u00a0", "the character U+00A0"],
  ["an escaped line feed", "\\n", 'a backslash and an "n"'],
])("%s as the only line end is one problem, and the lines are judged", (_what, sign, name) =>
  expect(linesOf(rosterOf(BOB, EVE).replaceAll("\n", sign))).toEqual([
    `roster.yaml:1:7: the whole text is one line with ${name} where lines should end; save it with Unix line ends (LF)`,
    expect.stringMatching(OF_EVE),
  ]),
);

test("comments may hold all of it", () =>
  expect(linesOf(`# “rich” – &nbsp; <br> • \`x\`\n${rosterOf(row("bob", "host: devvm # “b” – **x**, 8,5"))}`)).toEqual(
    [],
  ));

test("a key that is a number with a sign is no line of a diff", () =>
  expect(linesOf(`${rosterOf(BOB)}  +5:\n    tier: admin\n`)[0]).toMatch(
    /:8:3: "\+5": expected a name as the key but found the number \+5;/,
  ));

describe("a value that is nearly right is told with its cause, and what to write", () => {
  test.each([
    ["email: <bob@x.org>", "email", "is an address in angle brackets; write bob@x.org"],
    ["email: Bob B. <bob@x.org>", "email", "is an address in angle brackets; write bob@x.org"],
    ["email: mailto:bob@x.org", "email", 'begins with "mailto:"; write bob@x.org'],
    [`email: "'bob@x.org'"`, "email", "has quotes within the quotes; write bob@x.org"],
    ['previously: {k8s_user: b"o"b2}', "previously.k8s_user", "has quotes within; write bob2"],
    ["email: bob@x.org;", "email", "ends with a punctuation mark; write bob@x.org"],
    ["email: bob(at)x.org", "email", 'has no "@"; use one plain address such as name@example.org'],
    ["email: a@x.org, b@x.org", "email", "holds more than one address; use one plain address such as name@example.org"],
    [
      `email: b@${"x".repeat(64)}.org`,
      "email",
      "has a part of 64 characters between the dots of its domain, and 63 is the most; use one plain address such as name@example.org",
    ],
    ['email: "@bob"', "email", undefined],
    ["until: 2027/1/31", "until", "is a day in another form; write 2027-01-31"],
    [
      "until: 2026/02/30",
      "until",
      'is a day in another form, and "2026-02-30" is not in the calendar; use a day such as 2027-01-31',
    ],
    [
      "limits: {memory: 512MB}",
      "limits.memory",
      'is a size in another form, and "512M" is less than 1G; write at least that, because a shell, a tmux server and a code server need that much to start',
    ],
    [
      "limits: {tasks: '100 '}",
      "limits.tasks",
      'has blanks around it, and "100" is less than 256; write at least that, because a shell, a tmux server, a code server and one build need that many threads',
    ],
    [
      "quota: {pods: 200_000}",
      "quota.pods",
      'is a size in another form, and "200000" is more than 150000; write at most that, because Kubernetes supports no more pods in a whole cluster',
    ],
    ["previously: {k8s_user: Shop}", "previously.k8s_user", "has capital letters; write shop"],
    ["limits: {memory: 0G}", "limits.memory", 'is nothing at all; use a size with its unit, such as "8G" or "2048M"'],
    [
      "limits: {memory: -8G}",
      "limits.memory",
      'is less than nothing; use a size with its unit, such as "8G" or "2048M"',
    ],
    ["limits: {memory: 8 GB}", "limits.memory", "is a size in another form; write 8G"],
    ["limits: {memory: 8Gi}", "limits.memory", "is a size in another form; write 8G"],
    [
      "limits: {memory: 8.5G}",
      "limits.memory",
      'is no whole number, of which a smaller unit has more; use a size with its unit, such as "8G" or "2048M"',
    ],
    [
      "limits: {memory: 08G}",
      "limits.memory",
      'begins with a zero, and some YAML tools read such a number as octal; use a size with its unit, such as "8G" or "2048M"',
    ],
    ["limits: {tasks: 1_024}", "limits.tasks", "is a size in another form; write 1024"],
    ["limits: {tasks: 512.0}", "limits.tasks", "is no whole number; use a number of tasks such as 4096"],
    ["limits: {cpu: 200 %}", "limits.cpu", "is a size in another form; write 200%"],
    ["quota: {memory_limits: 4gi}", "quota.memory_limits", "is a size in another form; write 4Gi"],
    ["quota: {memory_limits: 4GiB}", "quota.memory_limits", "is a size in another form; write 4Gi"],
    [
      "quota: {cpu_requests: .5}",
      "quota.cpu_requests",
      'needs a digit on both sides of a point; use processors such as "2" or "500m"',
    ],
  ])("%s", (line, field, cause) => {
    const [said = "", ...more] = about(line);
    expect(more).toEqual([]);
    expect(said).toMatch(new RegExp(`: bob: ${field}: .* does not fit${cause === undefined ? ";" : ", because it "}`));
    expect(said.endsWith(cause ?? "name@example.org")).toBe(true);
  });
});

test("a name over 32 characters, or with a letter that is none of ASCII, is told so", () => {
  const long = "b".repeat(33);
  expect(linesOf(rosterOf(BOB.replace("  bob:", `  ${long}:`)))).toEqual([
    expect.stringContaining(`"${long}" is not an OS user, because it has 33 characters; an OS user is 1 to 32`),
  ]);
  expect(linesOf(rosterOf(BOB.replace("  bob:", "  bób:")))).toEqual([
    expect.stringContaining(
      '"bób" is not an OS user, because it holds "ó" (U+00F3), which is no ASCII character; an OS user',
    ),
  ]);
});
