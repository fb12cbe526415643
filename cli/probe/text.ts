/** Renders the report of a probe for people. */

import type { Paint } from "../terminal.ts";
import type { Finding, PersonReport, Verdict } from "./model.ts";

const COLOUR: Readonly<Record<Verdict, Parameters<Paint>[0]>> = {
  cut: "green",
  residual: "yellow",
  "needs-a-hand": "red",
  unknown: "red",
};
const WORD: Readonly<Record<Verdict, string>> = {
  cut: "revoked",
  residual: "residual",
  "needs-a-hand": "action required",
  unknown: "unknown",
};
const WIDTH = 16;

export const textOf = (reports: readonly PersonReport[], paint: Paint): string =>
  reports
    .map(({ osUser, leftOn, verdict, findings }) => {
      const since = leftOn === null ? "moved to another host" : `left on ${leftOn}`;
      const head = `${paint("bold", osUser)} (${since}): ${paint(COLOUR[verdict], WORD[verdict])}`;
      return [head, ...findings.map((finding) => `  ${lineOf(finding, paint)}`)].join("\n");
    })
    .join("\n\n");

function lineOf({ surface, host, verdict, says, until, todo }: Finding, paint: Paint): string {
  const subject = host === undefined ? surface : `${host} ${surface}`;
  const more = [...(until === undefined ? [] : [`until ${until}`]), ...(todo === undefined ? [] : [`to do: ${todo}`])];
  return `${paint(COLOUR[verdict], WORD[verdict].padEnd(WIDTH))} ${subject}: ${[says, ...more].join("; ")}`;
}
