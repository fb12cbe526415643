/**
 * Defines the board as plain data: people × surfaces, each with its state. Every rendering is made from this and from
 * nothing else.
 */

import { z } from "zod";

/** From worst to best: what a cell says is the worst of what was found for it. */
export const STATES = ["failed", "changed", "pending", "unknown", "converged"] as const;

/** Where something is brought about. `site` is the public site alone. */
export const SURFACES = ["host", "cluster", "vault", "forge", "site"] as const;

const time = z.iso.datetime({ offset: true });
/** One line, without control characters and secrets. */
const line = z.string().regex(/^[^\p{Cc}\u2028\u2029]*$/u);

const cell = z.strictObject({
  surface: z.enum(SURFACES),
  /**
   * converged: as decided. changed: something else than the last deployment made. failed: it was tried and did not come
   * about. pending: decided and not delivered yet. unknown: could not be asked, and is never taken for converged.
   */
  state: z.enum(STATES),
  /** When something was last delivered there for this row; absent where nothing ever was. */
  deliveredAt: time.optional(),
  /** What is not as decided, or the exact error; empty when converged. */
  details: z.array(line),
});

const row = z.strictObject({
  /** `everybody` is what no single person has: roles, rules, the hosts themselves. */
  kind: z.enum(["person", "everybody", "site"]),
  /** The OS user for a person. */
  name: line,
  standing: z.enum(["present", "parked", "left"]).optional(),
  cells: z.array(cell),
});

const deployment = z.strictObject({
  endedAt: time,
  result: line,
  commit: line.optional(),
  pusher: line.optional(),
});

export const boardForm = z.strictObject({
  version: z.literal(1),
  stack: line,
  /** When everybody was asked. */
  takenAt: time,
  /** The stack's last one, whatever became of it; absent for a stack that never ran. */
  lastDeployment: deployment.optional(),
  /** What the next deployment would do to whom, in people's words. */
  plan: z.array(line),
  /** What the board had to do without. */
  notices: z.array(line),
  rows: z.array(row),
});

export type Board = z.output<typeof boardForm>;
export type Row = Board["rows"][number];
export type Cell = Row["cells"][number];
export type State = Cell["state"];
export type Surface = Cell["surface"];

/** The worst of them; converged where there are none. */
export const worst = (states: readonly State[]): State => STATES.find((state) => states.includes(state)) ?? "converged";

export const isConverged = ({ rows }: Pick<Board, "rows">): boolean =>
  rows.every(({ cells }) => cells.every(({ state }) => state === "converged"));

/** How many cells are in each state. */
export function counted({ rows }: Pick<Board, "rows">): Readonly<Record<State, number>> {
  const counts = { failed: 0, changed: 0, pending: 0, unknown: 0, converged: 0 };
  for (const { cells } of rows) for (const { state } of cells) counts[state] += 1;
  return counts;
}
