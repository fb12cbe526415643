/**
 * Renders the board for Prometheus: text for node_exporter's textfile collector, with one state of each cell set to 1.
 */

import { type Board, counted, isConverged, STATES } from "./model.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

export function prometheusOf(board: Board): string {
  const { stack, rows, takenAt, lastDeployment } = board;
  const cells = rows.flatMap((row) => row.cells.map((cell) => ({ row, cell })));
  const people = cells.filter(({ row }) => row.kind === "person");
  const shared = cells.filter(({ row }) => row.kind !== "person");
  const of = ({ row, cell }: (typeof cells)[number]): Labels =>
    row.kind === "person" ? { stack, person: row.name, surface: cell.surface } : { stack, surface: cell.surface };
  const states = (some: typeof cells) =>
    some.flatMap((one) => STATES.map((state): Sample => [{ ...of(one), state }, one.cell.state === state ? 1 : 0]));
  const delivered = (some: typeof cells) =>
    some.flatMap((one): Sample[] =>
      one.cell.deliveredAt === undefined ? [] : [[of(one), seconds(one.cell.deliveredAt)]],
    );
  const counts = counted(board);
  return [
    family("workstation_person_surface_state", "Whether a person is in this state on a surface.", states(people)),
    family(
      "workstation_person_surface_delivered_timestamp_seconds",
      "When something was last delivered to a person on a surface.",
      delivered(people),
    ),
    family(
      "workstation_shared_surface_state",
      "The same for what no single person has; site is the public site.",
      states(shared),
    ),
    family(
      "workstation_shared_surface_delivered_timestamp_seconds",
      "When what no single person has was last delivered on a surface.",
      delivered(shared),
    ),
    family(
      "workstation_surface_states",
      "How many rows and surfaces are in each state.",
      STATES.map((state) => [{ stack, state }, counts[state]]),
    ),
    family("workstation_errors", "How many rows and surfaces failed or could not be asked.", [
      [{ stack }, counts.failed + counts.unknown],
    ]),
    family("workstation_converged", "Whether everything is as decided.", [[{ stack }, isConverged(board) ? 1 : 0]]),
    family(
      "workstation_last_deployment_timestamp_seconds",
      "When the last deployment ended, whatever became of it.",
      lastDeployment === undefined ? [] : [[{ stack }, seconds(lastDeployment.endedAt)]],
    ),
    family(
      "workstation_last_deployment_succeeded",
      "Whether the last deployment ended well.",
      lastDeployment === undefined ? [] : [[{ stack }, lastDeployment.result === "succeeded" ? 1 : 0]],
    ),
    family("workstation_board_timestamp_seconds", "When the board was taken.", [[{ stack }, seconds(takenAt)]]),
  ].join("");
}

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1000);

/** Every metric here is a gauge. One without samples is left out. */
function family(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}{${pairs.join(",")}} ${value}`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("\n")}\n`;
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
