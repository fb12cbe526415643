/** Defines the rules of fields beyond their grammar: why a field refuses a text that has its form. */

import { quote } from "../text/quote.ts";
import type { Refusal } from "./near-misses.ts";
import * as names from "./patterns.ts";
import { isReservedLogin, isSystemAccount } from "./reserved-names.ts";
import { type Bounds, outOfBounds } from "./size-limits.ts";

/** Of a field whose grammar is its whole rule. */
export const acceptsAll: Refusal = () => undefined;

const isRealDay = (day: string): boolean => {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
};

/** Of a day. */
export const outOfCalendar: Refusal = (day) =>
  isRealDay(day) ? undefined : `${quote(day)} is not in the calendar; ${names.DAY.right}`;

/** Of a login. */
export const reservedLogin: Refusal = (name) =>
  isReservedLogin(name)
    ? `${quote(name)} is a word of nginx's maps, where this login becomes a key; such a login cannot be used`
    : undefined;

/** The suffix of an address to clone from is no part of a name. */
export const idleRepo: Refusal = (repo) => {
  const name = repo.replace(/\.git$/i, "");
  if (name.toLowerCase() === "infra") return `${quote(repo)} is always there; remove it from the list`;
  return name === repo
    ? undefined
    : `${quote(repo)} ends like an address to clone from; write the name alone: ${quote(name)}`;
};

/** Of a size. */
export const within =
  (bounds: Bounds): Refusal =>
  (value) => {
    const problem = outOfBounds(value, bounds);
    return problem === undefined ? undefined : `${quote(value)} ${problem}`;
  };

/** Of an OS user. */
export const systemAccount: Refusal = (name) =>
  isSystemAccount(name)
    ? `"${name}" is an account or a group of the system; choose another name for the person`
    : undefined;
