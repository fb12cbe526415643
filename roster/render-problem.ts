/**
 * Renders a problem as a line for people: where, who, what was found and what would be right. It is the only renderer
 * of problems.
 */

import type { Problem } from "./model.ts";
import { describeKey } from "./text/quote.ts";

/** `roster.yaml:14:18: anca: namespaces: "kube-dns" is a system namespace; …` */
export function renderProblem({ severity, file, line, column, user, message }: Problem): string {
  const who = user === undefined ? "" : `${describeKey(user)}: `;
  return `${file}:${line}:${column}: ${severity === "warning" ? "warning: " : ""}${who}${message}`;
}
