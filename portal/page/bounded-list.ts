/** Renders lists that one person's files and sessions fill: so many entries of so many characters, and how many more there are. */

import { counted } from "../../agent/shared/facts/format.ts";
import { type Html, html } from "./html.ts";

const LONGEST_TEXT = 200;

/** Whether a text is shown as it is. */
export const isBrief = (text: string): boolean => text.length <= LONGEST_TEXT;

/** The beginning of a longer text. */
export const brief = (text: string): string =>
  isBrief(text) ? text : `${text.slice(0, LONGEST_TEXT).replace(/[\uD800-\uDBFF]$/, "")}…`;

export interface Bounds<T> {
  readonly all: readonly T[];
  readonly most: number;
  readonly item: (one: T) => Html;
  /** @example "session" */
  readonly what: string;
  /** The command that lists all of them. */
  readonly command: "ws-me" | "ws-me records";
}

/** The entries of a list; the last one counts those that are left out. */
export function boundedItems<T>({ all, most, item, what, command }: Bounds<T>): readonly Html[] {
  const shown = all.slice(0, most).map(item);
  const omitted = all.length - shown.length;
  return omitted === 0
    ? shown
    : [...shown, html`<li><span class="quiet">${moreOf(omitted, what, command)}</span></li>`];
}

export const moreOf = (omitted: number, what: string, command: Bounds<never>["command"]): Html =>
  html`and ${counted(omitted, `more ${what}`)}, which <code>${command}</code> lists in a terminal`;
