/**
 * Renders a problem as a line for people: where, who, what was found and what would be right. It is the only renderer
 * of problems.
 */

import type { Problem } from "./model.ts";

/** `roster.yaml:14:18: anca: namespaces: "kube-dns" is a system namespace; …` */
export function renderProblem({ severity, file, line, column, user, message }: Problem): string {
  const who = user === undefined ? "" : `${shownName(user)}: `;
  return `${file}:${line}:${column}: ${severity === "warning" ? "warning: " : ""}${who}${message}`;
}

/** A key of the roster may be any text until it is checked. */
const shownName = (user: string): string => (/^[\w.-]{1,64}$/.test(user) ? user : JSON.stringify(user.slice(0, 64)));
