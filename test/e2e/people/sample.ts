/** The rows of the sample roster, and one more, as tests vary them. */

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Rows } from "./stack.ts";

const { users } = parse(readFileSync(new URL("../../../roster.yaml", import.meta.url), "utf8")) as { users: Rows };

export const everybody: Rows = users;

export const withDora: Rows = {
  ...users,
  dora: { authentik_user: "dora", k8s_user: "dora", tier: "power-user", email: "dora@lab.example" },
};

/** The rows without these people. */
export const without = (rows: Rows, ...names: string[]): Rows =>
  Object.fromEntries(Object.entries(rows).filter(([name]) => !names.includes(name)));

/** The rows with one field of one person changed. */
export const changed = (rows: Rows, name: string, fields: object): Rows => ({
  ...rows,
  [name]: { ...rows[name], ...fields },
});
