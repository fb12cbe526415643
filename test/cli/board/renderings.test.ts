/** Every rendering of the board, over boards of hostile words: nothing escapes, nothing secret is shown, every form is read back. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { htmlOf } from "../../../cli/board/html.ts";
import { type Board, boardForm, counted, isConverged, STATES, SURFACES, worst } from "../../../cli/board/model.ts";
import { prometheusOf } from "../../../cli/board/prometheus.ts";
import { textOf } from "../../../cli/board/text.ts";
import { cleaner } from "../../../cli/board/sanitize-text.ts";

const SECRET = `canary"of<the>key&${"x7Qp".repeat(6)}`;
const clean = cleaner([
  SECRET,
  `kubeconfig:\n  token: ${"tOkEn9".repeat(8)}\n  server: https://cluster.example:6443\n`,
]);

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\u202eb\u0007\u001b[31m",
    `error: ${SECRET} was refused`,
    "line one\nworkstation_converged 1",
    `Bearer ${"tOkEn9".repeat(8)}`,
    'back\\slash "quote"',
  ),
);
const words = hostile.map((text) => clean(text).replace(/[\p{Cc}\u2028\u2029]/gu, " "));
const time = fc
  .date({ min: new Date("2026-01-01"), max: new Date("2026-12-31"), noInvalidDate: true })
  .map((at) => at.toISOString());
const cell = fc.record(
  {
    surface: fc.constantFrom(...SURFACES),
    state: fc.constantFrom(...STATES),
    deliveredAt: time,
    details: fc.array(words, { maxLength: 3 }),
  },
  { requiredKeys: ["surface", "state", "details"] },
);
const row = fc.record({
  kind: fc.constantFrom("person" as const, "everybody" as const),
  name: words,
  cells: fc.uniqueArray(cell, { selector: ({ surface }) => surface, maxLength: 5 }),
});
const boards: fc.Arbitrary<Board> = fc
  .record({
    ...{ version: fc.constant(1 as const), stack: words, takenAt: time },
    ...{ plan: fc.array(words, { maxLength: 2 }), notices: fc.array(words, { maxLength: 2 }) },
    rows: fc.uniqueArray(row, { selector: ({ kind, name }) => `${kind} ${name}`, maxLength: 4 }),
  })
  .map((board) => boardForm.parse(board));

const plain = (_: unknown, text: string) => text;

test("no rendering of any board holds a secret, a control character or a mark that turns text round", () => {
  fc.assert(
    fc.property(boards, (board) => {
      for (const rendered of [JSON.stringify(board), textOf(board, plain), htmlOf(board), prometheusOf(board)]) {
        expect(rendered).not.toContain("x7Qpx7Qp");
        expect(rendered).not.toContain("tOkEn9tOkEn9");
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is to be proved
        expect(rendered).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }
    }),
    { numRuns: 100 },
  );
});

test("in the page every word stays a word: only the page's own tags, one style that its policy names, no script", () => {
  const own =
    /<\/?(?:!doctype|html|head|meta|title|style|body|main|header|h1|h2|h3|p|time|section|ul|li|div|table|caption|thead|tbody|tr|th|td|span|small|a)(?=[\s>])[^<>]*>/g;
  fc.assert(
    fc.property(boards, (board) => {
      const page = htmlOf(board);
      const [head = "", body = ""] = page.replace(/<style>[^<]*<\/style>/, "").split("<body>");
      expect(body.replaceAll(own, "")).not.toMatch(/[<>]/);
      const tags = body.replaceAll(/>[^<]*</g, "><");
      expect(tags).not.toMatch(/\son\w+=|javascript:|src=|style=/i);
      expect(head).toMatch(
        /default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'/,
      );
      for (const [, target] of body.matchAll(/href="#([^"]*)"/g)) expect(body).toContain(`id="${target}"`);
    }),
    { numRuns: 100 },
  );
});

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** The text format as Prometheus itself reads it, and stricter: one TYPE before a metric's samples, no sample twice. */
function readMetrics(text: string): readonly Sample[] {
  const types = new Set<string>();
  const seen = new Set<string>();
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
      if (comment?.[1] === "TYPE") {
        if (comment[3] !== "gauge" || types.has(comment[2] ?? "")) throw new Error(`a second or wrong type: ${line}`);
        types.add(comment[2] ?? "");
      }
      if (comment !== null) return [];
      const [, name = "", inside = "", value = ""] =
        /^([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\[\\"n])*",?)*)\} (-?\d+)$/.exec(line) ?? [];
      if (!types.has(name)) throw new Error(`no sample: ${line}`);
      const labels = [...inside.matchAll(/([a-z]+)="((?:[^"\\]|\\[\\"n])*)"/g)].map(
        ([, key = "", raw = ""]) =>
          [key, raw.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign))] as const,
      );
      const identity = `${name} ${inside}`;
      if (seen.has(identity)) throw new Error(`a sample twice: ${line}`);
      seen.add(identity);
      return [{ name, labels: new Map(labels), value: Number(value) }];
    });
}

test("the metrics are read back by a strict reader: exactly one state of a cell is 1, and it is that cell's", () => {
  const onePerSurface = boards.map((board) => ({ ...board, rows: board.rows.filter(({ kind }) => kind === "person") }));
  fc.assert(
    fc.property(onePerSurface, (board) => {
      const samples = readMetrics(prometheusOf(board));
      const states = samples.filter(({ name, value }) => name === "workstation_person_surface_state" && value === 1);
      expect(states.map(({ labels }) => [labels.get("person"), labels.get("surface"), labels.get("state")])).toEqual(
        board.rows.flatMap(({ name, cells }) => cells.map(({ surface, state }) => [name, surface, state])),
      );
      const all = samples.filter(({ name }) => name === "workstation_person_surface_state");
      expect(all).toHaveLength(states.length * STATES.length);
      const value = (metric: string) => samples.find(({ name }) => name === metric)?.value;
      expect(value("workstation_converged")).toBe(isConverged(board) ? 1 : 0);
      expect(value("workstation_errors")).toBe(counted(board).failed + counted(board).unknown);
    }),
    { numRuns: 100 },
  );
});

test("the worst of several states is what a cell says, and not asked is not converged", () => {
  expect(worst([])).toBe("converged");
  expect(worst(["unknown", "pending"])).toBe("pending");
  expect(worst(["pending", "changed", "unknown"])).toBe("changed");
  expect(worst(["changed", "failed"])).toBe("failed");
  expect(worst(["unknown"])).toBe("unknown");
});
