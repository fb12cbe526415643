/** Renders the board as one HTML file: without a script, without anything to load, and readable without its colours. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ageOf, minuteOf } from "../format-time.ts";
import { deploymentLine, MEANINGS, surfacesIn, verdictOf } from "./board-summary.ts";
import { type Board, type Cell, isConverged, type Row, STATES, type State } from "./model.ts";

/** On a phone each row is a card: the roles keep it a table for whoever has it read out. */
export function htmlOf(board: Board): string {
  const surfaces = surfacesIn(board);
  const title = `Workstations: ${board.stack}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escaped(title)}</h1>
<p class="verdict ${isConverged(board) ? "good" : "bad"}">${escaped(verdictOf(board))}</p>
<p class="when">Taken <time datetime="${escaped(board.takenAt)}">${minuteOf(board.takenAt)} UTC</time>. ${escaped(deploymentLine(board))}</p>
</header>
${list("notices", "To know", board.notices)}
<div class="scroll" role="region" aria-label="The board" tabindex="0">
<table role="table">
<caption>Who is as decided where. The age is that of the last delivery.</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Person</th>${surfaces.map((surface) => `<th role="columnheader" scope="col">${HEADINGS[surface]}</th>`).join("")}</tr></thead>
<tbody role="rowgroup">
${board.rows.map((row) => rowHtml(row, surfaces, board)).join("\n")}
</tbody>
</table>
</div>
<ul class="legend" aria-label="What the states mean">${STATES.map(legendHtml).join("")}</ul>
${detailsHtml(board)}
${list("plan", "What the next deployment would do", board.plan)}
</main>
</body>
</html>
`;
}

const HEADINGS = { host: "Host", cluster: "Cluster", vault: "Vault", forge: "Forge", site: "Site" } as const;

/** Beside the word, so that nobody has to tell colours apart. */
const SIGNS: Readonly<Record<State, string>> = {
  converged: "✓",
  changed: "≠",
  failed: "✕",
  pending: "…",
  unknown: "?",
};

function rowHtml(row: Row, surfaces: readonly Cell["surface"][], board: Board): string {
  const cells = surfaces.map((surface) => {
    const cell = row.cells.find((one) => one.surface === surface);
    return cell === undefined
      ? `<td role="cell" class="none" data-label="${HEADINGS[surface]}"><span aria-label="nothing here">–</span></td>`
      : `<td role="cell" data-label="${HEADINGS[surface]}">${cellHtml(row, cell, board)}</td>`;
  });
  const standing = row.standing === undefined ? KINDS[row.kind] : row.standing;
  return `<tr role="row" class="${row.kind}"><th role="rowheader" scope="row">${escaped(row.name)} <small>${standing}</small></th>${cells.join("")}</tr>`;
}

const KINDS = { person: "present", everybody: "what nobody has alone", site: "public site" } as const;

function cellHtml(row: Row, cell: Cell, board: Board): string {
  const badge = badgeHtml(cell.state);
  const age =
    cell.deliveredAt === undefined
      ? ""
      : ` <time datetime="${escaped(cell.deliveredAt)}">${ageOf(cell.deliveredAt, board.takenAt)}</time>`;
  return cell.details.length === 0 ? `${badge}${age}` : `<a href="#${anchorOf(row, cell)}">${badge}</a>${age}`;
}

const badgeHtml = (state: State) =>
  `<span class="state ${state}"><span aria-hidden="true">${SIGNS[state]}</span> ${state}</span>`;

const legendHtml = (state: State) => `<li>${badgeHtml(state)} ${MEANINGS[state]}</li>`;

function detailsHtml(board: Board): string {
  const sections = board.rows.flatMap((row) =>
    row.cells
      .filter(({ details }) => details.length > 0)
      .map((cell) => {
        const lines = cell.details.map((line) => `<li>${escaped(line)}</li>`).join("");
        const heading = `${escaped(row.name)}, ${HEADINGS[cell.surface]} ${badgeHtml(cell.state)}`;
        return `<section id="${anchorOf(row, cell)}"><h3>${heading}</h3><ul>${lines}</ul></section>`;
      }),
  );
  return sections.length === 0 ? "" : `<h2>What is not as decided</h2>\n${sections.join("\n")}`;
}

/** Names may be anything, an id may not. */
const anchorOf = (row: Row, cell: Cell) =>
  `d-${createHash("sha256").update(`${row.kind} ${row.name} ${cell.surface}`).digest("hex").slice(0, 12)}`;

const list = (name: string, heading: string, lines: readonly string[]) =>
  lines.length === 0
    ? ""
    : `<section class="${name}"><h2>${heading}</h2><ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul></section>`;

const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")
    // Marks that turn the direction of the text round would let a name pose as another.
    .replace(/[\p{Bidi_Control}\p{Cc}]/gu, " ");

const STYLE = readFileSync(new URL("./board.css", import.meta.url), "utf8");
/** The page's own style is allowed by its checksum, and nothing else is. */
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
