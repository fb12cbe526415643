/** Defines the forms that the inputs of several resources share. */

import { z } from "zod";

const name = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, "must be a plain name: letters, digits, dot, dash, underscore");

export const repoFields = { owner: name, repo: name };
export const login = name;
export const branchName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/, "must be one branch's name, without wildcards");

/** Logins differ by more than case: the forge does not tell `Anca` from `anca`. */
export const sameLogins = (a: readonly string[], b: readonly string[]): boolean => {
  const folded = (list: readonly string[]) => [...new Set(list.map((entry) => entry.toLowerCase()))].sort().join("\n");
  return folded(a) === folded(b);
};

/** Those of `a` who are not in `b`. */
export const without = (a: readonly string[], b: readonly string[]): readonly string[] => {
  const known = new Set(b.map((entry) => entry.toLowerCase()));
  return a.filter((entry) => !known.has(entry.toLowerCase()));
};
