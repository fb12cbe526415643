/** Renders the checks of `./ws doctor` for people. */

import type { Paint } from "../terminal.ts";
import type { Check, State } from "./model.ts";

const COLOUR: Readonly<Record<State, Parameters<Paint>[0]>> = { ok: "green", missing: "red", untried: "yellow" };
const WIDTH = 9;

/** One line for each check; what is missing has its remedy below. */
export function textOf(checks: readonly Check[], paint: Paint): string {
  const failed = checks.filter(({ state }) => state === "missing").length;
  const untried = checks.filter(({ state }) => state === "untried").length;
  const end = [
    failed === 0 ? "Nothing is missing" : `${failed} of ${checks.length} checks found something missing`,
    ...(untried === 0 ? [] : [`${untried} could not be tried`]),
  ].join("; ");
  const colour = failed === 0 ? "green" : "red";
  return [...checks.flatMap((check) => linesOf(check, paint)), "", `${paint(colour, end)}. Nothing was changed.`].join(
    "\n",
  );
}

function linesOf({ surface, where, who, what, state, found, expected, remedy }: Check, paint: Paint): string[] {
  const subject = [surface, where, ...(who === "" ? [] : [`as ${who}`])].join(" ");
  const line = `${paint(COLOUR[state], state.padEnd(WIDTH))} ${subject}: ${what}: ${found}`;
  if (state === "ok") return [line];
  return [state === "missing" ? `${line}; expected ${expected}` : line, ...indented(remedy)];
}

const indented = (text: string): string[] => text.split("\n").map((line) => `${" ".repeat(WIDTH + 1)}  ${line}`);
