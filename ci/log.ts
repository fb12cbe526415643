/**
 * Writes the log lines of a step, without the secrets that the step received and without bytes that a terminal obeys.
 */

import { redactor } from "../clients/http/redact.ts";
import { secrets } from "./environment.ts";

/** One line a call; of several lines each is cleaned by itself. */
export function log(text: string): void {
  process.stdout.write(`${clean(text)}\n`);
}

export function logError(text: string): void {
  process.stderr.write(`${clean(text)}\n`);
}

/** Every line short, plain and without our secrets. Foreign text goes through here before it reaches a log, a chat or a comment. */
export const clean = (text: string): string => redactLines(text, secrets());

let latest: { readonly hidden: readonly string[]; readonly redact: (text: string) => string } | undefined;

/** Kept from call to call: the forms of a kubeconfig's secrets take some milliseconds. */
function redactorOf(hidden: readonly string[]): (text: string) => string {
  if (latest?.hidden !== hidden) latest = { hidden, redact: redactor(hidden) };
  return latest.redact;
}

/** Each line by itself short, plain and without the secrets; the blanks at its start stay. */
export function redactLines(text: string, hidden: readonly string[]): string {
  const redact = redactorOf(hidden);
  return text
    .split("\n")
    .map((line) => `${/^ */.exec(line)?.[0] ?? ""}${redact(line)}`)
    .join("\n");
}
