/** Prints one line for the journal, whatever the text holds. */

export const log = (line: string): void =>
  void process.stderr.write(`${line.replace(/[\p{Cc}]+/gu, " ").slice(0, 1000)}\n`);
