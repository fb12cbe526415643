/** Finds words in the sources that docs/language.md replaces, and references to texts that are not in the repository. */

import ts from "typescript";
import { files, text } from "./sources.ts";

/** A place where a word is looked for: first comments, pages, messages, or parts of paths. */
export type Held = "comments" | "docs" | "messages" | "names";

export interface Word {
  readonly word: string;
  readonly write: string;
  readonly heldIn: readonly Held[];
}

export interface Finding {
  readonly kind: Held;
  readonly file: string;
  readonly line: number;
  readonly word: string;
  readonly write: string;
}

const HELD: readonly string[] = ["comments", "docs", "messages", "names"];

/** The words of the table "Words" of docs/language.md. */
export function glossary(page = text("docs/language.md")): readonly Word[] {
  const table = page.split("\n## Words\n")[1]?.split("\n## ")[0] ?? "";
  const rows = table.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| instead of "));
  return rows.flatMap((row) => {
    const [words = "", write = "", , places = ""] = row
      .split("|")
      .slice(1)
      .map((cell) => cell.trim());
    const heldIn = places.split(",").map((place) => place.trim());
    const wrong = heldIn.find((place) => !HELD.includes(place));
    if (wrong !== undefined) throw new Error(`docs/language.md: "${wrong}" must be one of ${HELD.join(", ")}: ${row}`);
    return words.split(",").map((word) => ({ word: word.trim(), write, heldIn: heldIn as Held[] }));
  });
}

interface Passage {
  readonly line: number;
  readonly text: string;
}

/** The texts of a TypeScript source that people may read: every string of three words or more. */
export function messagesOf(file: string, source = text(file)): readonly Passage[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, false);
  const found: Passage[] = [];
  const add = (node: ts.Node, words: string): void => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
    if (/\w\W*\s\W*\w+\W*\s\W*\w/.test(words)) found.push({ line, text: words });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) add(node, node.text);
    if (ts.isTemplateExpression(node))
      add(node, [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…"));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The first comment of a file: a block of TypeScript, or the lines after the `#!` of a script. */
export function firstComment(file: string, source = text(file)): Passage {
  if (!file.endsWith(".sh")) return { line: 1, text: /^\s*\/\*\*[\s\S]*?\*\//.exec(source)?.[0] ?? "" };
  const first = source.startsWith("#!") ? 1 : 0;
  const lines = source.split("\n").slice(first);
  const end = lines.findIndex((line) => !line.startsWith("#"));
  return { line: first + 1, text: lines.slice(0, end < 0 ? lines.length : end).join("\n") };
}

/** Nouns in the plural that look like verbs in the third person, and words that no sentence of a first comment begins with. */
const NO_VERBS = /^(always|as|digests|errors|helpers|its|messages|schemas|settings|tests|this|types)$/i;

/** Whether a first comment begins with a verb in the third person: "Converges one account", not "Settings of Vault". */
export function startsWithVerb(comment: string): boolean {
  const [, first = "", next = ""] = /^[\s/*#]*(\S+)\s*(\S*)/.exec(comment) ?? [];
  const word = first.replace(/,$/, "");
  return /^[A-Z][a-z-]*s$/.test(word) && !NO_VERBS.test(word) && next !== "of";
}

/** What systemd and the account database show people: `Description=` of units, and the names of accounts. */
function descriptionsIn(file: string): readonly Passage[] {
  return text(file)
    .split("\n")
    .flatMap((line, index) => {
      const shown = /^Description=(.*)|^u \S+ \S+ "([^"]*)"/.exec(line);
      return shown === null ? [] : [{ line: index + 1, text: shown[1] ?? shown[2] ?? "" }];
    });
}

/** The text of a page without its code and the addresses of its links, or the comments of a YAML file, with every line in its place. */
export function proseOf(file: string, source = text(file)): Passage {
  const blank = (words: string): string => words.replaceAll(/[^\n]/g, " ");
  if (file.endsWith(".yaml")) return { line: 1, text: source.replaceAll(/^(?!\s*#).*$/gm, "") };
  const prose = source
    .replaceAll(/^ *```[\s\S]*?^ *```/gm, blank)
    .replaceAll(/`[^`\n]*`/g, blank)
    .replaceAll(/\]\([^)]*\)/g, blank);
  return { line: 1, text: prose };
}

/** A part of a setting (`devvm.gate.origin`) or of a path is a name and no word. */
const patternOf = (word: string) =>
  new RegExp(
    `(?<![\\w./:-])${word.replaceAll(/[.*+?^$()[\]{}|\\]/g, "\\$&").replaceAll(" ", "[\\s*#]+")}(?![\\w-]|[./:]\\w)`,
    "gi",
  );

/** Every word that the glossary replaces, where it is held. */
export function findings(words = glossary()): readonly Finding[] {
  const sources = files(/^(?!node_modules|docs\/).*\.(ts|mjs|sh)$/);
  const patterns = new Map(words.map(({ word }) => [word, patternOf(word)]));
  const search = (kind: Held, file: string, passages: readonly Passage[]): Finding[] =>
    words
      .filter(({ heldIn }) => heldIn.includes(kind))
      .flatMap(({ word, write }) =>
        passages.flatMap(({ line, text: passage }) =>
          [...passage.matchAll(patterns.get(word) ?? /(?!)/g)].map(({ index }) => {
            const at = line + passage.slice(0, index).split("\n").length - 1;
            return { kind, file, line: at, word, write };
          }),
        ),
      );
  return [
    ...sources.flatMap((file) => [
      ...search("comments", file, [firstComment(file)]),
      ...(/^test\/|\.sh$/.test(file) ? [] : search("messages", file, messagesOf(file))),
      ...namesIn(file, words),
    ]),
    ...files(UNITS).flatMap((file) => search("messages", file, descriptionsIn(file))),
    ...files(PAGES).flatMap((file) => search("docs", file, [proseOf(file)])),
  ];
}

const UNITS = /^(agent\/files|ci\/runner\/systemd)\/.*\.(service|socket|timer|conf)$/;

/** All pages but the one that names the words. */
const PAGES = /^(?!node_modules\/|docs\/language\.md$).*\.md$|^Pulumi\.prod\.yaml$/;

/**
 * A name is taken apart at its hyphens and dots; a word with hyphens is looked for as a whole. A term of the field and a
 * word's own replacement may contain the word: `in-memory`, `access-maps`.
 */
export function namesIn(file: string, words: readonly Word[], terms = fieldTerms()): readonly Finding[] {
  const segments = file
    .split("/")
    .map((segment) => `-${segment.replace(/(\.test)?\.(d\.)?(ts|mjs|sh)$/, "").replaceAll(".", "-")}-`);
  return words
    .filter(({ word, write, heldIn }) => {
      const allowed = [...terms, ...write.split(/[,;]| \(.*\)/)].map(inName);
      return (
        heldIn.includes("names") &&
        segments.some((segment) =>
          allowed.reduce((rest, term) => rest.replace(term, "--"), segment).includes(inName(word)),
        )
      );
    })
    .map(({ word, write }) => ({ kind: "names", file, line: 1, word, write }));
}

const inName = (words: string): string => `-${words.trim().replaceAll(" ", "-")}-`;

/** The terms of the table "Terms of the field" of docs/language.md. */
const fieldTerms = (page = text("docs/language.md")): readonly string[] =>
  (page.split("\n## Terms of the field\n")[1]?.split("\n## ")[0] ?? "")
    .split("\n")
    .flatMap((line) => /^\| `([^`]+)` \|/.exec(line)?.[1] ?? []);

/** References to texts that a reader of the repository does not have. */
export const MISSING_TEXTS: readonly RegExp[] = [
  /\b[Ss]pec(ification)?,? sections? \d/,
  /(?<!RFC \d+, )\b[Ss]ections? \d+(?!\.\d+ of RFC)/,
  /\bINV-\d/,
  /\b(hard rules?|faults?) \d/i,
  /\b(cases?|attacks?|actors?) [A-Z]-?\d/,
  /\b(test|it|describe)(\.each\(.*\))?\(\s*["'`][A-Z]{1,3}-?\d{1,3}\b[^"'`]*:/,
];
