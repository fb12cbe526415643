import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadRoster } from "../../roster/load.ts";
import { checkPolicy, DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { derived, linesOf, person, policy, PROPERTY, roster, rosterOf, row, RUNS } from "./support.ts";

/** The lines about one row with other values for some of its fields, without the file and the position. */
const about = (fields: Readonly<Record<string, string>>, tier = "power-user"): readonly string[] => {
  const base = { authentik_user: "bob", k8s_user: "bob", tier, ...fields };
  const text = Object.entries(base).map(([field, value]) => `    ${field}: ${value}\n`);
  return linesOf(`users:\n  bob:\n${text.join("")}`).map((line) => line.replace(/^roster\.yaml:\d+:\d+: (bob: )?/, ""));
};

describe("a name that YAML reads as a number is quoted as it is written", () => {
  test.each(["0123456", "12345678901234567890", "1e3", "0x10", "0o17"])("the login %s", (login) =>
    expect(about({ authentik_user: login })).toEqual([
      `authentik_user: YAML reads the number ${login} here; if that is the name, put it in quotes: "${login}"`,
    ]),
  );

  test.each(["1.10", "0755", "1e3"])("the repository %s", (repo) =>
    expect(about({ code_layout: "workspace", repos: `[${repo}]` })).toEqual([
      `repos: YAML reads the number ${repo} here; if that is the name, put it in quotes: "${repo}"`,
    ]),
  );

  test("a number that quotes would not help is shown as it is written", () =>
    expect(about({ code_layout: "workspace", repos: "[.5]" })).toEqual([
      expect.stringMatching(/^repos: the number \.5 does not fit; use the plain name of a repository/),
    ]));

  test.each(["limits", "quota", "forgejo", "previously"])("%s: a number or a switch is no map", (field) => {
    for (const [written, kind] of [
      ["5", "number"],
      ["0x10", "number"],
      ["1e3", "number"],
      ["True", "switch"],
    ])
      expect(about({ [field]: `${written}` })).toEqual([
        expect.stringContaining(`${field}: expected a map but found the ${kind} ${written}; write `),
      ]);
  });

  test("a number in place of a row, of the people or of the roster", () =>
    expect([linesOf("users:\n  bob: 0x10\n"), linesOf("users: 0x10\n"), linesOf("0x10\n")]).toEqual([
      [expect.stringContaining("2:3: bob: expected the row's fields but found the number 0x10; write")],
      [expect.stringContaining("1:8: users: expected one key for each person but found the number 0x10; write")],
      [expect.stringContaining('1:1: expected a map with the key "users" but found the number 0x10; write')],
    ]));

  test.each(["null", "Null", "NULL"])("the name %s, which YAML takes for nothing", (name) =>
    expect([about({ authentik_user: name }), about({ code_layout: "workspace", repos: `[${name}]` })]).toEqual([
      [`authentik_user: YAML reads the empty value ${name} here; if that is the name, put it in quotes: "${name}"`],
      [`repos: YAML reads the empty value ${name} here; if that is the name, put it in quotes: "${name}"`],
    ]),
  );

  test("an empty value that is no name is quoted as well, and none is not", () => {
    expect(about({ k8s_user: "Null" })).toEqual([
      expect.stringMatching(/^k8s_user: the empty value Null does not fit;/),
    ]);
    expect(about({ k8s_user: "~" })).toEqual([expect.stringMatching(/^k8s_user: the empty value ~ does not fit;/)]);
    expect(about({ tier: "NULL" })).toEqual([expect.stringMatching(/^tier: the empty value NULL is not valid;/)]);
    expect(about({ limits: "null" })).toEqual([
      expect.stringMatching(/^limits: expected a map but found the empty value null;/),
    ]);
    expect(about({ k8s_user: "" })).toEqual([expect.stringMatching(/^k8s_user: nothing is given;/)]);
  });

  test("any number: the advice, once followed, is accepted", PROPERTY, () => {
    const written = fc.oneof(
      fc.stringMatching(/^0[0-9]{1,12}$/),
      fc.stringMatching(/^[1-9][0-9]{0,30}$/),
      fc.stringMatching(/^0x[0-9a-f]{1,8}$/),
      fc.stringMatching(/^[0-9]{1,4}e[0-9]{1,3}$/),
    );
    fc.assert(
      fc.property(written, (login) => {
        const [line = "", ...more] = about({ authentik_user: login });
        const advised = /put it in quotes: (".*")$/.exec(line)?.[1] ?? "nothing was advised";
        expect([JSON.parse(advised), more, about({ authentik_user: advised })]).toEqual([login, [], []]);
      }),
      RUNS,
    );
  });

  test("a row below a number as its key is judged as well", () =>
    expect(linesOf('users:\n  007:\n    authentik_user: default\n    k8s_user: "007"\n    tier: king\n')).toEqual([
      expect.stringMatching(/:2:3: 007: expected a name as the key but found the number 007; an OS user is 1 to 32/),
      expect.stringMatching(/:3:21: 007: authentik_user: "default" is a word of nginx's maps/),
      expect.stringMatching(/:5:11: 007: tier: "king" is not valid; it must be one of/),
    ]));
});

describe("each size has a floor, a ceiling and a unit", () => {
  test.each([
    ["memory", '"8192"', '"8192" does not fit, because it has no unit, so it would be that many bytes; use'],
    ["memory", "8192", "the number 8192 does not fit, because it has no unit, so it would be that many bytes; use"],
    ["memory", "50%", '"50%" does not fit; use a size with its unit'],
    ["memory", "infinity", '"infinity" does not fit; use a size with its unit'],
    ["memory", "1023M", '"1023M" is less than 1G; write at least that, because a shell, a tmux server'],
    ["memory", "999999999999G", '"999999999999G" is more than 4T; write at most that, because no host has'],
    ["cpu", "1%", '"1%" is less than 10%; write at least that'],
    ["cpu", "99999%", '"99999%" is more than 25600%; write at most that'],
    ["tasks", "1", '"1" is less than 256; write at least that'],
    ["tasks", '"infinity"', '"infinity" does not fit'],
    ["tasks", "99999999", '"99999999" is more than 4194304; write at most that, because the Linux kernel'],
    ["pane_memory", "5M", '"5M" is less than 256M; write at least that'],
    ["pane_memory", "20G", '"20G" for one pane is more than the memory of tier power-user, "12G"'],
  ])("limits.%s: %s", (field, value, says) =>
    expect(about({ limits: `{${field}: ${value}}` })).toEqual([expect.stringContaining(`limits.${field}: ${says}`)]),
  );

  test.each([
    ["memory_requests", '"5"', '"5" does not fit, because it has no unit'],
    ["memory_limits", "3k", '"3k" is less than 64Mi; write at least that'],
    ["memory_limits", "999999999999999Ei", "is more than 64Ti; write at most that"],
    ["cpu_requests", "1m", '"1m" is less than 100m; write at least that'],
    ["cpu_requests", "500000", '"500000" is more than 1000; write at most that'],
    ["pods", "999999999", '"999999999" is more than 150000; write at most that'],
  ])("quota.%s: %s", (field, value, says) =>
    expect(about({ namespaces: "[shop]", quota: `{${field}: ${value}}` }, "namespace-owner")).toEqual([
      expect.stringContaining(says),
    ]),
  );

  test.each([
    ["limits", "tasks", ["0x200", "1e9", "0512", "512.0", "+512"]],
    ["quota", "pods", ["0x10", "1e9", "010", "20.0", "0o20", "1."]],
    ["quota", "cpu_requests", ["0x10", "1e2", "010", ".5", "2."]],
  ])("%s.%s is judged by what is written, with quotes and without", (section, field, values) => {
    const said = (value: string) =>
      about({ namespaces: "[shop]", [section]: `{${field}: ${value}}` }, "namespace-owner");
    for (const value of values) {
      expect(said(value)).toEqual([expect.stringContaining(`${section}.${field}: the number ${value} does not fit`)]);
      expect(said(`"${value}"`)).toEqual([expect.stringContaining(`${section}.${field}: "${value}" does not fit`)]);
    }
  });

  test("one pane gets at most the memory of everything", () => {
    expect(about({ limits: "{memory: 4G, pane_memory: 6G}" })).toEqual([
      'limits.pane_memory: "6G" for one pane is more than memory, "4G", which holds all panes; lower pane_memory or raise memory',
    ]);
    const lowered = derived(rosterOf(row("bob", "limits: {memory: 4G}")));
    expect(person(lowered, "bob").limits).toMatchObject({ memory: "4G", pane_memory: "4G" });
  });

  test("what the program gives by default keeps the same bounds, and so must a stack's settings", () => {
    expect(checkPolicy(DEFAULT_POLICY)).toEqual([]);
    const { limits } = DEFAULT_POLICY;
    const tight = policy({
      limits: { ...limits, admin: { ...limits.admin, tasks: "9" }, "power-user": { ...limits.admin, memory: "2G" } },
    });
    expect(checkPolicy(tight)).toEqual([
      expect.stringContaining('limits.admin.tasks: "9" is less than 256'),
      "limits.power-user.pane_memory (12G) is more than its memory (2G), which holds all panes",
    ]);
  });
});

describe("what people paste has one sentence that names the cause", () => {
  test.each([
    ["all of them", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs"]],
    ["the middle one alone", ["", "=======", ""]],
    ["the common version's alone", ["", "||||||| 1f2e3d4", ""]],
    ["the last one, at the end of the file", ["", "", ">>>>>>> theirs"]],
    ["indented ones", ["    <<<<<<< HEAD", "    =======", "\t>>>>>>> theirs"]],
    ["longer ones", ["<<<<<<<<<<< HEAD", "===========", ">>>>>>>>>>> theirs"]],
    ["those of a combined diff", ["++<<<<<<< HEAD", "++=======", "++>>>>>>> theirs"]],
    ["one of jj's alone", ["", "+++++++ side", ""]],
    ["the other of jj's alone", ["", "%%%%%%% changes", ""]],
    ["those of another program, without a label", ["<<<<<<<", "=======", ">>>>>>>"]],
  ])("markers of a merge conflict: %s", (_which, [ours = "", middle = "", theirs = ""]) => {
    const text = `${rosterOf(row("ada"))}${ours}\n${row("bob")}${middle}\n${row("bob", "", "admin")}${theirs}\n`;
    const [marker = ""] = [ours, middle, theirs].filter((line) => line !== "");
    const line = text.split("\n").indexOf(marker) + 1;
    expect(linesOf(text)).toEqual([
      `roster.yaml:${line}:${marker.search(/\S/) + 1}: git left a merge conflict here; keep one of the versions and delete the lines that begin with "<<<<<<<", "|||||||", "=======" and ">>>>>>>"`,
    ]);
  });

  test("all conflicts are told at once, each where it begins", () => {
    const left = (ours: string, theirs: string) =>
      `<<<<<<< HEAD\n${ours}||||||| base\n=======\n${theirs}>>>>>>> theirs\n`;
    const text = `${rosterOf(left(row("ada"), row("eva")), row("bob"), left(row("cid"), ""))}=======\n`;
    const git = expect.stringContaining(": git left a merge conflict here;") as string;
    expect(linesOf(text)).toEqual([git, git, git]);
    expect(linesOf(text).map((line) => line.split(":").slice(1, 3).join(":"))).toEqual(["2:1", "18:1", "26:1"]);
    const jj = `<<<<<<< Conflict 1 of 1\n%%%%%%% Changes\n+++++++ Contents\n>>>>>>> Conflict 1 of 1 ends\n`;
    expect(linesOf(`${rosterOf(row("ada"))}${jj}`)).toEqual([git]);
  });

  const DIFF = `diff --git a/roster.yaml b/roster.yaml
index 1f2e3d4..5a6b7c8 100644
--- a/roster.yaml
+++ b/roster.yaml
@@ -1,4 +1,4 @@
 users:
   bob:
     authentik_user: bob
     k8s_user: bob
-    tier: power-user
+    tier: admin
\\ No newline at end of file
`;
  const from = (line: number) => DIFF.split("\n").slice(line).join("\n");
  const ada = rosterOf(row("ada"));
  test.each([
    ["the whole of it", DIFF, ["1:1"]],
    ["from the names of the files", from(2), ["1:1"]],
    ["from the lines' numbers", from(4), ["1:1"]],
    ["its lines alone", from(5), ["5:1"]],
    ["added lines", `${ada}${row("bob").replace(/^(?=.)/gm, "+")}`, ["6:1"]],
    [
      "an added line, with line ends of CR and LF",
      ada.replace(/^ {4}tier/m, "+    tier").replaceAll("\n", "\r\n"),
      ["5:1"],
    ],
    ["an added line that an editor indented", `${ada}    +    parked: true\n`, ["6:5"]],
    ["a removed field", `${ada}-    parked: true\n`, ["6:1"]],
    ["a removed item", `${ada}    code_layout: workspace\n    repos:\n-      - web\n      - art\n`, ["8:1"]],
    ["lines at two places", `+${ada}${row("bob").replace("    tier", "+    tier")}`, ["1:1", "9:1"]],
    ["lines' numbers with a heading", `${ada}@@ -5,3 +5,6 @@ users:\n${row("bob")}`, ["6:1"]],
    ["the oldest form", ada.replace(/^.*tier.*\n/m, "5c5\n<     tier: admin\n---\n>     tier: power-user\n"), ["6:1"]],
    ["no diff but a quoted mail", ada.replace(/^(?=.)/gm, "> "), ["1:1"]],
  ])("a pasted diff: %s", (_what, text, places) => {
    expect(linesOf(text)).toEqual(
      places.map((place) => expect.stringMatching(`^roster\\.yaml:${place}: "[^"]*(?:"[^"]*)*" is a line of a diff`)),
    );
  });

  const numbered = (write: (number: number, line: string) => string, from = 1) =>
    ada
      .trimEnd()
      .split("\n")
      .map((line, index) => write(index + from, line))
      .join("\n");
  test.each([
    ["of a web page", numbered((number, line) => `${number}  ${line}`), "1:1"],
    ["of cat -n", numbered((number, line) => `${String(number).padStart(6)}\t${line}`), "1:6"],
    ["of grep -n", numbered((number, line) => `${number}:${line}`, 9), "1:1"],
    [
      "with a bar, beside blank lines",
      numbered((number, line) => `${number} | ${line}\n${number === 3 ? "" : "\n"}`),
      "1:1",
    ],
    ["on lines of their own", numbered((number, line) => `${number}\r\n${line}\r`, 3), "1:1"],
  ])("the numbers of lines %s are one problem that names them", (_what, text, place) => {
    expect(linesOf(text)).toEqual([
      `roster.yaml:${place}: every line begins with its number, which a viewer shows beside the text; copy the text without the line numbers, or delete the numbers`,
    ]);
  });

  test("a key or a value that is a number is no line's number", () => {
    for (const text of [`users:\n  1:\n    tier: admin\n  2:\n    tier: admin\n`, "1: a\n3: b\n", "7\n", `1\n${ada}`])
      expect(linesOf(text).filter((line) => line.includes("its number"))).toEqual([]);
  });

  test.each([
    ["CSV", "user,tier\nann,admin\n", "user,tier"],
    ["CSV of other countries, behind a comment", "# people\n\nuser;tier\r\nann;admin\r\nbob;admin\r\n", "user;tier"],
    ["cells of a spreadsheet", "ann\tadmin\nbob\tadmin", "ann\\u{9}admin"],
    ["a table of Markdown", "| user | tier |\n|---|---|\n| ann | admin |\n", "| user | tier |"],
  ])("a table is one problem that names it: %s", (_what, text, line) =>
    expect(linesOf(text)).toEqual([
      expect.stringContaining(
        `: "${line}" is a row of a table and no YAML; write users: and below it each person's name`,
      ),
    ]),
  );

  test("a comment behind the beginning of a document is no diff", () =>
    expect(linesOf(`--- #roster.yaml\n${ada}`)).toEqual([]));

  test("a line that continues the one above in the same column is not said to be deeper", () => {
    const said =
      "this line would continue the value of the line above, and no value of a roster has more than one line";
    expect(linesOf(rosterOf(row("bob", "email:\n  a@x.de\n  b@x.de")))).toEqual([
      expect.stringContaining(`:8:7: bob: ${said}`),
    ]);
    expect(linesOf("ann\nbob\n")[1]).toContain(`:2:1: ${said}`);
  });

  test("an item of a list and a line of hyphens are no diff", () => {
    for (const text of [
      "users:\n-   name: bob\n    tier: admin\n",
      `---\n${ada}`,
      `--- # people\n${ada}`,
      `# + bob\n${ada}`,
    ])
      expect(linesOf(text).filter((line) => line.includes("diff"))).toEqual([]);
  });

  test("everything that is too long is told at once, where it begins, and a lost quote is the cause of what follows it", () => {
    const long = "x".repeat(5000);
    const bob = row("bob", `host: ${long}\nemail: "${long}"\nuntil: >- # day\n  ${long}\n${long}: 1`);
    const too = (place: string, what: string) =>
      `roster.yaml:${place}: ${what} characters; nothing in a roster is longer than 4096`;
    expect(linesOf(rosterOf(bob))).toEqual([
      too("6:11", "a value of 5000"),
      too("7:12", "a value of 5000"),
      too("8:12", "a value of 5000"),
      too("10:5", "a key of 5000"),
    ]);
    const many = Array.from({ length: 100 }, (_, at) => row(`eva${at}`));
    for (const sign of [`"`, "'"])
      expect(linesOf(rosterOf(row("bob", `host: ${sign}devvm`), ...many))).toEqual([
        `roster.yaml:6:11: this quote is not closed; write another ${sign} where the text ends`,
      ]);
  });

  test("an address with too much before its at sign says so", () =>
    expect(about({ email: `${"a".repeat(65)}@example.org` })).toEqual([
      expect.stringContaining('has 65 characters before "@", and 64 is the most; use one plain address'),
    ]));

  test("a number of hundreds of digits is cut", () =>
    expect(about({ authentik_user: "1".repeat(400) })).toEqual([
      expect.stringContaining(`the number ${"1".repeat(60)}… does not fit`),
    ]));

  test("a row of signs in a comment is no marker", () =>
    expect(linesOf(`# =======\n#<<<<<<< x\n${rosterOf(row("bob"))}  # ||||||| x\n`)).toEqual([]));

  test.each([
    ["%YAML 1.1", "1:1"],
    ["%YAML 1.2", "1:1"],
    ["# ours\n\n%TAG ! tag:yaml.org,2002:", "3:1"],
    ["%TAG", "1:1"],
    ["%RESERVED a b\r", "1:1"],
  ])("the directive %j, and everything else that is wrong", (head, place) => {
    const below = 5 + head.split("\n").length;
    expect(linesOf(`${head}\n---\n${rosterOf(row("bob", "parked: yes"))}`)).toEqual([
      `roster.yaml:${place}: "${head.split("\n").at(-1)?.trim()}" is a directive, which may change the meaning of every line below; delete this line`,
      `roster.yaml:${below + 2}:13: bob: parked: "yes" is not a switch; write true`,
    ]);
  });

  test.each([
    ["before a key", row("bob").replace("    tier", "\u00a0\u00a0\u00a0\u00a0tier"), "5:1"],
    ["after a colon", row("bob").replace("tier: ", "tier:\u00a0"), "5:10"],
    ["at the end of a line", row("bob").replace("power-user", "power-user\u00a0"), "5:21"],
  ])("a no-break space %s", (_where, bob, place) =>
    expect(linesOf(rosterOf(bob, row("eva", "", "king")))).toEqual([
      `roster.yaml:${place}: bob: the character U+00A0 (a no-break space) only looks like a space; delete it, or type a space in its place`,
      expect.stringMatching(/:9:11: eva: tier: "king" is not valid; it must be one of/),
    ]),
  );

  describe.each([
    ["U+00A0", "\u00a0", "(a no-break space) only looks like a space"],
    ["U+200B", "\u200b", "is invisible"],
    ["U+2800", "\u2800", "only looks like a space"],
    ["U+3164", "\u3164", "only looks like a space"],
    ["U+FFA0", "\uffa0", "only looks like a space"],
    ["U+115F", "\u115f", "only looks like a space"],
    ["U+0085", "\u0085", "is invisible"],
    ["U+FE0F", "\ufe0f", "is invisible"],
    ["U+034F", "\u034f", "is invisible"],
    ["U+17B4", "\u17b4", "is invisible"],
    ["U+180B", "\u180b", "is invisible"],
    ["U+E0100", "\u{e0100}", "is invisible"],
    ["U+0301", "\u0301", "is an accent without a letter"],
  ])("%s is told once, wherever it stands", (code, character, looks) => {
    const bob = row("bob", "", "king");
    const king = expect.stringMatching(/:\d+: bob: tier: "king" is not valid/);
    const told = expect.stringContaining(
      `: bob: the character ${code} ${looks}; delete it, or type a space in its place`,
    );
    test.each([
      ["in an indentation", bob.replace("    k8s", `  ${character} k8s`)],
      ["before a key", bob.replace("    k8s", `    ${character}k8s`)],
      ["after a colon", bob.replace("k8s_user: ", `k8s_user:${character}`)],
      ["before a value", bob.replace("k8s_user: ", `k8s_user: ${character}`)],
    ])("%s", (_where, text) => expect(linesOf(rosterOf(text))).toEqual([told, king]));

    test("beside another fault of the line, and within a word", () => {
      expect(linesOf(rosterOf(bob.replace("tier: king", `tier: ${character}king`)))).toEqual([told, king]);
      if (character !== "\u0301")
        expect(linesOf(rosterOf(bob.replace("k8s_user: bob", `k8s_user: b${character}ob`)))).toEqual([told, king]);
    });
  });

  test("an escaped one is spelt out", () =>
    expect(about({ k8s_user: '"b\\u2800\\u034fb"' })).toEqual([
      expect.stringContaining('"b\\u{2800}\\u{34f}b" does not fit'),
    ]));

  test("a comment may hold any space", () =>
    expect(linesOf(`# une note\u00a0: bob\n${rosterOf(row("bob"))}    # \u200b\n`)).toEqual([]));

  test("line ends of CR alone, and everything else that is wrong", () =>
    expect(linesOf(rosterOf(row("bob", "", "king")).replaceAll("\n", "\r"))).toEqual([
      "roster.yaml:1:7: this line ends in a carriage return alone, which YAML tools do not agree on; save the file with Unix line ends (LF)",
      expect.stringMatching(/:5:11: bob: tier: "king" is not valid; it must be one of/),
    ]));

  const KING = expect.stringMatching(/: bob: tier: "king" is not valid; it must be one of/) as string;
  const bob = row("bob", "host: devvm", "king");
  const stray = (where: string) => `a carriage return stands ${where}; delete it`;
  test.each([
    ["in a comment", `# one\rtwo\n${rosterOf(bob)}`, "1:6", stray("in this comment")],
    [
      "in a comment behind a value",
      rosterOf(bob.replace("devvm", "devvm # one\rtwo")),
      "6:22",
      stray("in this comment"),
    ],
    ["in a value", rosterOf(bob.replace("devvm", '"dev\rvm"')), "6:15", stray("on this line")],
    [
      "behind a comment that ends there",
      `# people\r${rosterOf(bob)}`,
      "1:9",
      "this line ends in a carriage return alone",
    ],
    [
      "before text that looks like a key",
      `# one\rtwo: three\n${rosterOf(bob)}`,
      "1:6",
      "this line ends in a carriage return alone",
    ],
    [
      "before line ends of CR and LF",
      `# one\r\r\n${rosterOf(bob)}`,
      "1:6",
      "this line ends in a carriage return alone",
    ],
  ])("a carriage return %s is told once, and everything else that is wrong", (_where, text, place, says) => {
    const told = expect.stringMatching(`^roster\\.yaml:${place}: (bob: )?${says}`) as string;
    expect(linesOf(text)).toHaveLength(2);
    expect(linesOf(text)).toEqual(expect.arrayContaining([told, KING]));
  });

  test("stray carriage returns on several lines are told at once", () =>
    expect(linesOf(`# a\rb\n# c\rd\n${rosterOf(row("bob"))}`)).toHaveLength(2));

  test.each([
    ["a value", "host: {{ host }}", "6:11", "{{ host }}"],
    ["a part of a value", "host: dev-{{ .Values.host }}", "6:15", "{{ .Values.host }}"],
    ["a value in quotes", "host: '{{ \"dev\" }}'", "6:12", '{{ \\"dev\\" }}'],
    ["an item", "code_layout: workspace\nrepos:\n  - {{ repo }}", "8:9", "{{ repo }}"],
    ["an item in brackets", "repos: [{{ repo }}, web]", "6:13", "{{ repo }}"],
    ["a value in braces", "limits: {memory: {{- size -}}}", "6:22", "{{- size -}}"],
    ["a line", "{{ include }}", "6:5", "{{ include }}"],
    ["a line that decides about others", "{%- if parked %}", "6:5", "{%- if parked %}"],
    ["one that is not closed", "host: {{ host", "6:11", "{{ host"],
    ["one of ERB", "host: <%= host %>", "6:11", "<%= host %>"],
    ["a variable of a shell", `host: \${HOST:-devvm}`, "6:11", `\${HOST:-devvm}`],
    ["the first of two on a line", "email: {{ a }}@{{ b }}", "6:12", "{{ a }}"],
  ])("text of a template, %s, is told once, and everything else that is wrong", (_what, more, place, template) => {
    expect(linesOf(rosterOf(row("bob", more, "king")))).toEqual([
      ...["5:11", place].map((at) =>
        at === place
          ? `roster.yaml:${at}: bob: "${template}" is text of a template that nothing has filled in; replace it by its value, or delete it`
          : KING,
      ),
    ]);
  });

  test("a name or a whole row of a template hides its row alone, and a comment may hold one", () => {
    const told = (place: string) =>
      expect.stringMatching(`^roster\\.yaml:${place}: .* is text of a template`) as string;
    const text = `# {{ people }}\n${rosterOf(row("{{ name }}", "", "queen"), bob)}  eva: {{ eva }}\n`;
    const [name, ...more] = linesOf(text);
    expect(name).toEqual(told("3:3"));
    expect(more.map((line) => /(?<=yaml:)[^{]*/.exec(line)?.[0])).toEqual([
      '4:21: "',
      '5:15: "',
      expect.stringContaining("10:11: bob: tier"),
      '12:8: eva: "',
    ]);
  });

  test.each([
    ["a field", "host: !", "6:11"],
    ["a field with a comment", "host: ! # later", "6:11"],
    ["an item", "code_layout: workspace\nrepos:\n  - !\n  - web", "8:9"],
    ["an item in brackets", "repos: [!, web]", "6:13"],
  ])("a tag without a value, as %s, is told where it stands", (_what, more, place) =>
    expect(linesOf(rosterOf(row("bob", more)))).toEqual([
      `roster.yaml:${place}: bob: "!" is a tag and no value; put it in quotes if it is the value, or delete it`,
    ]),
  );

  test.each([
    ["host: !here devvm", "6:11", "!here"],
    ["until: !!timestamp 2026-12-01", "6:12", "!!timestamp"],
    ["limits: !\n  memory: 4G", "6:13", "!"],
  ])("the tag of %j is quoted as it is written", (more, place, tag) =>
    expect(linesOf(rosterOf(row("bob", more)))).toEqual([
      `roster.yaml:${place}: bob: the tag "${tag}" is not allowed; remove it, or put the value in quotes`,
    ]),
  );

  test.each(["ports: {t3: 3773}", "ports.t3: 3773", "t3: 3773", "port: 3773", "uid: 20000", "uids.last: 30000"])(
    "%s is told to be no matter of a roster",
    (more) => {
      const says = `"${more.split(":", 1).join()}" is not set in a roster: the program gives each person their ports and uid`;
      expect(linesOf(rosterOf(row("bob", more)))).toEqual([expect.stringContaining(`:6:5: bob: ${says}`)]);
      expect(linesOf(`${more}\n${rosterOf(row("bob"))}`)).toEqual([expect.stringContaining(`:1:1: ${says}`)]);
    },
  );

  test.each(["@alice", "%alice"])("%s without quotes hides nothing but its line", (login) => {
    const bob = row("bob", "", "king").replace("authentik_user: bob", `authentik_user: ${login}`);
    expect(linesOf(rosterOf(bob))).toEqual([
      `roster.yaml:3:21: bob: YAML allows no value that begins with "${login[0]}", and no field does; delete that character`,
      expect.stringMatching(/:5:11: bob: tier: "king" is not valid; it must be one of/),
    ]);
  });

  test.each([
    ["authentik_user", "&alice", "an anchor and no value; put it in quotes if it is the value, or delete it"],
    ["authentik_user", "&alice smith", "an anchor and no value; put it in quotes if it is the value, or delete it"],
    ["authentik_user", "#alice", "a comment, so no value is given here; put it in quotes if it is the value"],
    ["tier", "#admin", "a comment, so no value is given here; put it in quotes if it is the value"],
    ["repos", "[&web]", "an anchor and no value; put it in quotes if it is the value, or delete it"],
    ["limits", "#none", "a comment, so no value is given here; put it in quotes if it is the value"],
    ["email", "*alice", "an alias; write the value out, so that a row shows what it grants, or put it in quotes"],
    ["email", "!alice", 'the tag "!alice" is not allowed; remove it, or put the value in quotes'],
  ])("%s: %s is told to be quoted", (field, value, says) => {
    const sign = /[&#*][a-z]+/.exec(value)?.[0];
    expect(about({ [field]: value })).toEqual([sign === undefined ? says : `"${sign}" is ${says}`]);
  });

  test("a comment with a space behind its sign is a comment and nothing else", () => {
    expect(about({ email: "# not known yet" })).toEqual([expect.stringContaining("email: nothing is given; use one")]);
    expect(linesOf("users: #nobody\n")).toEqual([]);
  });

  test("a repository's address in place of its name", () =>
    expect(about({ code_layout: "workspace", repos: "[web.git]" })).toEqual([
      'repos: "web.git" ends like an address to clone from; write the name alone: "web"',
    ]));

  test.each([
    ["email", `"${"a".repeat(20)}@${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.${"e".repeat(55)}"`, 259, 254],
    ["authentik_user", "a".repeat(129), 129, 128],
    ["k8s_user", "a".repeat(54), 54, 53],
  ])("an %s that is too long says how long it is", (field, value, length, longest) =>
    expect(about({ [field]: value })).toEqual([
      expect.stringContaining(`has ${length} characters, and ${longest} is the most; `),
    ]),
  );

  test("hundreds of thousands of invisible characters and comments cost no more than a second", () => {
    const began = process.cpuUsage();
    const loaded = loadRoster("\u00a0#\n #\u00a0\n".repeat(90_000), "roster.yaml", DEFAULT_POLICY);
    const { user, system } = process.cpuUsage(began);
    expect(loaded.ok).toBe(false);
    expect((user + system) / 1000).toBeLessThan(1500);
  });
});

/** Names that every object has, as far as the grammar of each field allows them. */
const INHERITED = ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf"];

test("names that every object inherits are names like any other, in every field", PROPERTY, () => {
  const name = fc.constantFrom(...INHERITED);
  fc.assert(
    fc.property(name, name, name, (login, repo, forgejo) => {
      const fits = (field: string) => (field.startsWith("_") ? "proto" : field);
      const text = `users:
  __proto__: {authentik_user: ${fits(login)}, k8s_user: constructor, tier: namespace-owner, namespaces: [constructor],
    code_layout: workspace, repos: [${fits(repo)}], forgejo: {login: ${fits(forgejo)}}}
  constructor: {authentik_user: other, k8s_user: other, tier: admin}
`;
      expect([...roster(text).rows.keys()]).toEqual(["__proto__", "constructor"]);
      const userMap =
        '{"toString": {"role": "admin"}, "constructor": {"role": "namespace-owner", "quota": {"constructor": "1"}}}';
      const { desired } = derived(text, { userMap });
      expect([...desired.people.values()].map(({ authentikUser, k8sUser }) => [authentikUser, k8sUser])).toEqual([
        [fits(login), "constructor"],
        ["other", "other"],
      ]);
      const again = derived(text, { userMap, ledger: desired.ledger });
      expect([again.changes, again.desired.ledger]).toEqual([[], desired.ledger]);
    }),
    RUNS,
  );
});
