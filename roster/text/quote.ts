/** Formats values from somebody's file for a sentence: short, on one line, and without a byte that a terminal obeys. */

import { UnquotedScalar } from "./scalar-source.ts";

const SHOWN = 60;

/** `"kube-dns"`, `the number 5`, `a list`, `nothing`: any value, said so that it can stand in a sentence. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return `the number ${String(value)}`;
  if (typeof value === "boolean") return `the switch ${String(value)}`;
  if (value instanceof UnquotedScalar) return `the ${kindOf(value)} ${shortened(value.source)}`;
  return Array.isArray(value) ? "a list" : "a map";
}

const shortened = (source: string): string => (source.length > SHOWN ? `${source.slice(0, SHOWN)}…` : source);

function kindOf({ value }: UnquotedScalar): string {
  if (value === null) return "empty value";
  return typeof value === "number" ? "number" : "switch";
}

/**
 * A string in double quotes; those within it and control, invisible and non-ASCII look-alike characters are spelt out, a
 * long one is cut. A backslash is shown as it is, so that a login such as `CORP\ann` looks as in the file.
 */
export function quote(text: string): string {
  const characters = [...text.slice(0, 2 * SHOWN)];
  const cut = characters.length > SHOWN || text.length > 2 * SHOWN;
  return `"${characters.slice(0, SHOWN).map(visible).join("")}${cut ? "…" : ""}"`;
}

/** A key of the roster as the subject of a sentence: a plain name as it is, any other text like a value. */
export const describeKey = (key: string): string => (/^[\w.-]{1,64}$/.test(key) ? key : quote(key));

/** Letters and signs that are drawn as a blank or not at all. */
const LOOKS_BLANK = /[\u2800\p{Default_Ignorable_Code_Point}]/u;

function visible(character: string): string {
  if (character === '"') return '\\"';
  if (/[\p{L}\p{N}\p{P}\p{S} ]/u.test(character) && !LOOKS_BLANK.test(character)) return character;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** `U+00A0`. */
export const codePointOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** `an admin`, `a power-user`. */
export const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;

/** `1 person`, `3 people`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
