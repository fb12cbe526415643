/** Implements `./ws status`: shows the board of a stack, people × surfaces, in the form that its options name. */

import { renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Refusal } from "../../config/refusal.ts";
import { htmlOf } from "../board/html.ts";
import { type Board, isConverged } from "../board/model.ts";
import { prometheusOf } from "../board/prometheus.ts";
import { collectBoard } from "../board/collect-board.ts";
import { textOf } from "../board/text.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { PulumiError } from "../pulumi.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const status: Command = {
  help: `Usage: ./ws status [USER…] [--json] [--html FILE] [--prometheus FILE] [--stack NAME] [--config-file FILE]

Asks every host, the cluster, Vault and the forge, and says for each person where they are as decided
(converged), changed since the last deployment, failed, pending, or unknown because nobody could be
asked. Changes nothing, and never shows a secret. docs/board.md says more.

${SELECTION_HELP}
  --json              one JSON object, for programs
  --html FILE         a page for a browser too, one file without scripts
  --prometheus FILE   metrics too, as node_exporter's textfile collector reads them

Exit code: 0 when everything shown is converged, 1 when something is not or nothing could be decided,
2 when called the wrong way. The files always show everybody.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...SELECTION_OPTIONS,
      json: { type: "boolean" },
      html: { type: "string" },
      prometheus: { type: "string" },
    });
    try {
      const board = await collectBoard(stackSelection(values));
      const shown = positionals.length === 0 ? board : only(board, positionals);
      for (const [file, render] of [
        [values.html, htmlOf],
        [values.prometheus, prometheusOf],
      ] as const) {
        if (file !== undefined) replaceFile(file, render(board));
      }
      for (const notice of shown.notices) terminal.err(terminal.paintErr("yellow", notice));
      terminal.out(values.json === true ? JSON.stringify(shown) : textOf(shown, terminal.paint));
      return isConverged(shown) ? 0 : 1;
    } catch (cause) {
      if (!(cause instanceof Refusal || cause instanceof PulumiError)) throw cause;
      if (values.json === true) terminal.out(JSON.stringify({ ok: false, message: cause.message }));
      else terminal.err(terminal.paintErr("red", cause.message));
      return 1;
    }
  },
};

/** @throws UsageError for a name that nobody on the board has */
function only(board: Board, names: readonly string[]): Board {
  const stranger = names.find((name) => !board.rows.some((row) => row.kind === "person" && row.name === name));
  if (stranger !== undefined) throw new UsageError(`"${stranger}" is neither on the roster nor an offboarded user`);
  return { ...board, rows: board.rows.filter((row) => row.kind === "person" && names.includes(row.name)) };
}

/** Whoever reads the file meanwhile sees the former one or this one. @throws Refusal when it cannot be written */
function replaceFile(file: string, text: string): void {
  const path = resolve(file);
  try {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new Refusal(`${file} cannot be written: ${(cause as Error).message}. Choose a folder that is there.`);
  }
}
