/** Tells what is wrong with a value that is nearly right, where its form shows what was meant. */

import { codePointOf, quote } from "../text/quote.ts";
import * as names from "./patterns.ts";
import type { Grammar } from "./patterns.ts";

/** The sentence of a field that refuses a text of its grammar; nothing where the field accepts it. */
export type Refusal = (text: string) => string | undefined;

/**
 * Completes `"8GB" does not fit, because it ` with the cause and the remedy; nothing where the form shows no cause. A value
 * that the field would refuse is not advised: its sentence follows the cause.
 */
export function nearMiss(text: string, grammar: Grammar, refusal: Refusal): string | undefined {
  const found = corrected(text, grammar) ?? causeOf(text, grammar) ?? foreignCharacter(text);
  if (found === undefined) return undefined;
  if (typeof found === "string") return `${found}; ${grammar.right}`;
  const refused = refusal(found.meant);
  return refused === undefined ? `${found.says}; write ${found.meant}` : `${found.says}, and ${refused}`;
}

/** The text, or what one of another form was meant to be; nothing where the form shows nothing. */
export const meantBy = (text: string, grammar: Grammar): string | undefined =>
  grammar.pattern.test(text) ? text : corrected(text, grammar)?.meant;

interface Corrected {
  readonly says: string;
  readonly meant: string;
}

function corrected(text: string, grammar: Grammar): Corrected | undefined {
  for (const { form, says, meant } of WRAPPED) {
    const found = form.exec(text);
    if (found !== null && grammar.pattern.test(meant(found))) return { says, meant: meant(found) };
  }
  const meant = sizeMeant(text, grammar);
  return meant === undefined ? undefined : { says: "is a size in another form", meant };
}

const causeOf = (text: string, grammar: Grammar): string | undefined =>
  grammar === names.EMAIL ? emailMiss(text) : sizeMiss(text, grammar);

interface Wrapped {
  readonly form: RegExp;
  readonly says: string;
  readonly meant: (found: RegExpExecArray) => string;
}

const inner = ([, meant = ""]: RegExpExecArray): string => meant;

/** Signs around or behind a value that would be right without them. */
const WRAPPED: readonly Wrapped[] = [
  { form: /^(["'])(.+)\1$/, says: "has quotes within the quotes", meant: ([, , meant = ""]) => meant },
  { form: /^(?:.*\s)?<(?:mailto:)?([^<>]+)>$/, says: "is an address in angle brackets", meant: inner },
  { form: /^mailto:(.+)$/i, says: 'begins with "mailto:"', meant: inner },
  { form: /^\s+(.*\S)\s*$|^(.*\S)\s+$/, says: "has blanks around it", meant: ([text]) => text.trim() },
  { form: /^(.+)[,;:.]$/, says: "ends with a punctuation mark", meant: inner },
  { form: /^(?=[A-Za-z_]).*[A-Z].*$/, says: "has capital letters", meant: ([text]) => text.toLowerCase() },
  {
    form: /^(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?:T.*)?$/,
    says: "is a day in another form",
    meant: ([, year = "", month = "", day = ""]) => `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`,
  },
  { form: /^[^\s"']+["'].*$/, says: "has quotes within", meant: ([text]) => text.replaceAll(/["']/g, "") },
  { form: /^@(.+)$/, says: 'begins with "@"', meant: inner },
];

const MAX_LABEL = 63;

function emailMiss(text: string): string | undefined {
  const [, domain] = /^[^@]+@([^@]+)$/.exec(text) ?? [];
  const label = domain?.split(".").find(({ length }) => length > MAX_LABEL);
  if (label !== undefined)
    return `has a part of ${label.length} characters between the dots of its domain, and ${MAX_LABEL} is the most`;
  if (domain === undefined && !text.includes("@")) return 'has no "@"';
  if (/[\s,;]/.test(text) && text.indexOf("@") !== text.lastIndexOf("@")) return "holds more than one address";
  return undefined;
}

/** Sizes by the grammar that they belong to. */
const SIZES: ReadonlyMap<Grammar, RegExp> = new Map([
  [names.MEMORY, /^([KMGT])i?b?$/i],
  [names.MEMORY_QUANTITY, /^([KMGTPE]i?)b?$/i],
  [names.CPU, /^(%)$/],
  [names.TASKS, /^()$/],
  [names.CPU_QUANTITY, /^(m?)$/],
  [names.COUNT, /^()$/],
]);

/** Digits in groups of three are whole all the same. */
const GROUPED = /^[1-9]\d{0,2}(?:[,_' ]\d{3})+$/;

const FRACTION = /^\d*[.,]\d+$/;

/** `1,000` is a thousand; `1,000M` may be one as well. */
const isGrouped = (figure: string, unit: string): boolean =>
  GROUPED.test(figure) && !(FRACTION.test(figure) && unit !== "");

const FIGURE = /^([+-]?)([\d.,_' ]*\d)\s*([A-Za-z%]*)$/;

function sizeMiss(text: string, grammar: Grammar): string | undefined {
  const [, sign = "", figure = "", given = ""] = FIGURE.exec(text) ?? [];
  if (!SIZES.has(grammar) || figure === "") return undefined;
  if (sign === "-") return "is less than nothing";
  if (/^0+(?:[.,]0+)?$/.test(figure)) return "is nothing at all";
  if (/^0\d/.test(figure)) return "begins with a zero, and some YAML tools read such a number as octal";
  if (FRACTION.test(figure) && grammar === names.CPU_QUANTITY) return "needs a digit on both sides of a point";
  if (FRACTION.test(figure) && !isGrouped(figure, given)) {
    const hasSmaller = grammar === names.MEMORY || grammar === names.MEMORY_QUANTITY;
    return `is no whole number${hasSmaller ? ", of which a smaller unit has more" : ""}`;
  }
  if (given === "" && (grammar === names.MEMORY || grammar === names.MEMORY_QUANTITY))
    return "has no unit, so it would be that many bytes";
  return given === "" && grammar === names.CPU ? 'has no "%"' : undefined;
}

/** The size that a text of another form means. */
function sizeMeant(text: string, grammar: Grammar): string | undefined {
  const unit = SIZES.get(grammar);
  const [, sign = "", figure = "", given = ""] = FIGURE.exec(text) ?? [];
  if (unit === undefined || figure === "" || sign === "-") return undefined;
  const [, known = ""] = unit.exec(given) ?? [];
  const meant = `${isGrouped(figure, given) ? figure.replaceAll(/\D/g, "") : figure}${spelled(known, grammar)}`;
  return grammar.pattern.test(meant) ? meant : undefined;
}

/** `gi` is `Gi` to Kubernetes; systemd knows capital letters alone. */
function spelled(unit: string, grammar: Grammar): string {
  if (grammar === names.CPU_QUANTITY) return unit;
  const [letter = "", binary = ""] = unit;
  return letter.toUpperCase() + binary.toLowerCase();
}

/** No name or size of a roster has any. */
function foreignCharacter(text: string): string | undefined {
  const found = /[^\p{ASCII}]/u.exec(text)?.[0];
  if (found === undefined) return undefined;
  return `holds ${quote(found)} (${codePointOf(found)}), which is no ASCII character`;
}
