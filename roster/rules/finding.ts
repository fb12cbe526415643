/** Defines a problem that has no position yet: its path in the document, and whether the key or the value is wrong. */

import type { Path } from "../text/tree-values.ts";

export interface Finding {
  /** From the top of the document: `["users", "anca", "tier"]`. */
  readonly path: Path;
  readonly at: "key" | "value";
  readonly message: string;
  readonly severity: "error" | "warning";
  /** The person it concerns, where that is not the one whom the path names; `null` where it is nobody. */
  readonly user?: string | null;
}

/** An error at the value of a path of one person's row. */
export const inRow = (user: string, path: Path, message: string, at: Finding["at"] = "value"): Finding => ({
  path: ["users", user, ...path],
  at,
  message: path.length === 0 ? message : `${fieldText(path)}${CONTINUES.test(message) ? " " : ": "}${message}`,
  severity: "error",
});

/** The field is the subject of such a sentence. */
const CONTINUES = /^(?:is missing|has no effect|(?:true|false) has no effect)/;

/** The same as a warning: said, and in nobody's way. */
export const warningInRow = (user: string, path: Path, message: string): Finding => ({
  ...inRow(user, path, message),
  severity: "warning",
});

/** The field as people name it: `namespaces`, `forgejo.login`; an item of a list is its list's. */
const fieldText = (path: Path): string => path.filter((step) => typeof step === "string").join(".");
