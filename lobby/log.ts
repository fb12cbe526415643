/** One line for the journal, whatever is in it. */

export const log = (line: string): void =>
  void process.stderr.write(`${line.replace(/[\p{Cc}]+/gu, " ").slice(0, 1000)}\n`);
