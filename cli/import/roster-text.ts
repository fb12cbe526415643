/** Renders rows as the text of a roster, with a comment at every guess. Pure. */

import type { Field, Guessed, Value } from "./observed-people.ts";

export function rosterText(rows: readonly Guessed[]): string {
  const head = [
    "# Written by ./ws import from what was there. Lines marked with a guess are to be looked at before anything is",
    "# deployed; then correct them here and run ./ws import --roster with this file, so that the ledger says the same.",
  ];
  if (rows.length === 0) return [...head, "users: {}", ""].join("\n");
  return [...head, "users:", ...rows.flatMap(rowText), ""].join("\n");
}

const rowText = ({ osUser, fields, suggestions = [] }: Guessed): readonly string[] => [
  `  ${plain(osUser)}:`,
  ...fields.map((field) => `    ${fieldText(field)}`),
  ...suggestions.map((field) => `    # ${fieldText(field)}`),
];

const fieldText = ({ key, value, why }: Field): string =>
  `${key}: ${flow(value)}${why === undefined ? "" : ` # ${oneLine(why)}`}`;

function flow(value: Value): string {
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return plain(value);
  if (isList(value)) return `[${value.map(plain).join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${flow(inner)}`)
    .join(", ")} }`;
}

const isList = (value: Value): value is readonly string[] => Array.isArray(value);

/** Without quotes only what no reader of YAML takes for anything else. */
const plain = (text: string): string =>
  /^[A-Za-z_][A-Za-z0-9._@-]*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text)
    ? text
    : JSON.stringify(text);

const oneLine = (text: string) => text.replace(/[\p{Cc}\u2028\u2029]/gu, " ");
