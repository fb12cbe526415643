/** Renders the sentences at the head of a board, which every rendering for people shows. */

import { ageOf, minuteOf } from "../format-time.ts";
import { type Board, counted, isConverged, STATES, SURFACES } from "./model.ts";

/** What each state means, for a legend. */
export const MEANINGS = {
  converged: "as decided",
  changed: "something else than the last deployment made",
  failed: "the last attempt failed",
  pending: "not deployed yet",
  unknown: "could not be asked",
} as const;

/** `Everything is as decided.` or how much is not. */
export function verdictOf(board: Board): string {
  if (isConverged(board)) return "Everything is as decided.";
  const counts = counted(board);
  const parts = STATES.filter((state) => state !== "converged" && counts[state] > 0);
  return `Not converged: ${parts.map((state) => `${counts[state]} ${state}`).join(", ")}.`;
}

export function deploymentLine({ lastDeployment, takenAt }: Board): string {
  if (lastDeployment === undefined) return "Nothing was deployed yet.";
  const { endedAt, result, commit, pusher } = lastDeployment;
  const what = commit === undefined ? "" : `, commit ${commit.slice(0, 12)}`;
  const who = pusher === undefined ? "" : `, pushed by ${pusher}`;
  return `Last deployment: ${minuteOf(endedAt)} UTC (${ageOf(endedAt, takenAt)} ago), ${result}${what}${who}.`;
}

/** The surfaces that any row has, in their order. */
export const surfacesIn = ({ rows }: Board) =>
  SURFACES.filter((surface) => rows.some(({ cells }) => cells.some((cell) => cell.surface === surface)));
