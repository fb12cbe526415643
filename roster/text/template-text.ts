/** Finds text of a template that nothing has filled in, and replaces it, so that the rest of the roster is judged. */

import type { Cleaned, Pasted } from "./cleaned-text.ts";
import { quote } from "./quote.ts";

/** Of Helm, Jinja and Go, of ERB, and of a shell. What is not closed ends with its line. */
export const TEMPLATE =
  /\{\{(?:(?!\}\})[^\r\n])*(?:\}\})?|\{%(?:(?!%\})[^\r\n])*(?:%\})?|\{#(?:(?!#\})[^\r\n])*#\}|<%(?:(?!%>)[^\r\n])*(?:%>)?|\$\{[^}\r\n]*\}/g;

/** @param found matches of `TEMPLATE` outside of comments, in the order of the text */
export function withoutTemplates(text: string, found: readonly RegExpExecArray[]): Cleaned {
  const problems: Pasted[] = [];
  const parts: string[] = [];
  let from = 0;
  let told = -1;
  for (const { index, 0: template } of found) {
    const end = index + template.length;
    const { start, before, after } = around(text, index, end);
    // A line of its own stands for lines that nobody knows; elsewhere it is a word of the line.
    const isLine = before.replace(TEMPLATE, "").trim() === "" && after.replace(TEMPLATE, "").trim() === "";
    parts.push(text.slice(from, index), (isLine ? " " : "x").repeat(template.length));
    from = end;
    if (told === start) continue;
    told = start;
    const message = `${quote(template)} is text of a template that nothing has filled in; replace it by its value, or delete it`;
    // Whose row it is, is not known.
    problems.push({ offset: index, message, hides: /:\s*$/.test(after) ? "row" : "line" });
  }
  return { text: parts.join("") + text.slice(from), found: problems };
}

function around(text: string, from: number, to: number) {
  const start = text.lastIndexOf("\n", from - 1) + 1;
  const end = text.indexOf("\n", to);
  return { start, before: text.slice(start, from), after: text.slice(to, end < 0 ? text.length : end) };
}
