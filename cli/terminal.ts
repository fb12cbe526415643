/**
 * Writes a command's output to the operator's terminal: uses colours only on a terminal, and does not fail where the
 * reader of a pipe has gone.
 */

import { writeSync } from "node:fs";

export interface Terminal {
  /** One line, or several, on standard output. */
  readonly out: (text: string) => void;
  /** One line, or several, on standard error. */
  readonly err: (text: string) => void;
  /** Colours for what goes out, and for what goes to error. */
  readonly paint: Paint;
  readonly paintErr: Paint;
}

export type Colour = "red" | "yellow" | "green" | "bold" | "dim";
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  bold: [1, 22],
  dim: [2, 22],
};

/** The process's own terminal. `NO_COLOR`, set to anything but nothing, means none (no-color.org). */
export function terminal(): Terminal {
  const wanted = (process.env.NO_COLOR ?? "") === "" && process.env.TERM !== "dumb";
  return {
    out: (text) => write(1, `${text}\n`),
    err: (text) => write(2, `${text}\n`),
    paint: painter(wanted && process.stdout.isTTY === true),
    paintErr: painter(wanted && process.stderr.isTTY === true),
  };
}

const painter =
  (coloured: boolean): Paint =>
  (colour, text) =>
    coloured ? `\u001b[${CODES[colour][0]}m${text}\u001b[${CODES[colour][1]}m` : text;

/** Synchronous, so that a command's exit never cuts its own output; a reader that has gone away is no error of ours. */
function write(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
