/** Renders the board for a terminal: a table whose states are words, then the findings, row by row. */

import type { Colour, Paint } from "../terminal.ts";
import { ageOf, minuteOf } from "../format-time.ts";
import { deploymentLine, surfacesIn, verdictOf } from "./board-summary.ts";
import type { Board, Row, State } from "./model.ts";

const COLOURS: Readonly<Record<State, Colour>> = {
  failed: "red",
  changed: "yellow",
  pending: "yellow",
  unknown: "red",
  converged: "green",
};

export function textOf(board: Board, paint: Paint): string {
  const plan = board.plan.length === 0 ? [] : ["", "The next deployment:", ...board.plan.map((line) => `  ${line}`)];
  return [
    paint("bold", `Stack ${board.stack}, ${minuteOf(board.takenAt)} UTC. ${verdictOf(board)}`),
    deploymentLine(board),
    "",
    ...tableOf(board, paint),
    ...board.rows.flatMap((row) => detailsOf(row, paint)),
    ...plan,
  ].join("\n");
}

function tableOf(board: Board, paint: Paint): readonly string[] {
  const surfaces = surfacesIn(board);
  const cellText = ({ cells }: Row, surface: string) => {
    const cell = cells.find((one) => one.surface === surface);
    if (cell === undefined) return { text: "-", colour: "dim" as const };
    const age = cell.deliveredAt === undefined ? "" : ` ${ageOf(cell.deliveredAt, board.takenAt)}`;
    return { text: `${cell.state}${age}`, colour: COLOURS[cell.state] };
  };
  const head = ["person", "standing", ...surfaces].map((text) => ({ text, colour: "bold" as const }));
  const lines = board.rows.map((row) => [
    { text: row.name, colour: "bold" as const },
    { text: row.standing ?? "-", colour: "dim" as const },
    ...surfaces.map((surface) => cellText(row, surface)),
  ]);
  const widths = head.map((_, at) => Math.max(...[head, ...lines].map((line) => line[at]?.text.length ?? 0)));
  return [head, ...lines].map((line) =>
    line
      .map(({ text, colour }, at) => paint(colour, at === line.length - 1 ? text : text.padEnd(widths[at] ?? 0)))
      .join("  "),
  );
}

function detailsOf({ name, cells }: Row, paint: Paint): readonly string[] {
  const listed = cells.filter(({ state }) => state !== "converged");
  return listed.flatMap(({ surface, state, details }) => [
    "",
    `${paint("bold", name)}, ${surface}: ${paint(COLOURS[state], state)}`,
    ...details.map((line) => `  ${line}`),
  ]);
}
