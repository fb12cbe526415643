/** Prints lines for the journal, one each, whatever the text holds. */

export const log = (line: string): void =>
  void process.stderr.write(`${line.replace(/[\p{Cc}]+/gu, " ").slice(0, 1000)}\n`);

const QUIET_MS = 10_000;

/** Logs at most one line in ten seconds and counts the others: a client that is refused must not fill the journal. */
export function seldom(log: (line: string) => void, nowMs: () => number): (line: string) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (line) => {
    if (nowMs() - lastMs < QUIET_MS) {
      unsaid += 1;
      return;
    }
    log(unsaid === 0 ? line : `${line} (${unsaid} more since the last line)`);
    lastMs = nowMs();
    unsaid = 0;
  };
}

/** The same for each person by itself: one whose requests fail again and again hides nobody else's failure. */
export function seldomEach(log: (line: string) => void, nowMs: () => number): (osUser: string, line: string) => void {
  const notes = new Map<string, (line: string) => void>();
  return (osUser, line) => {
    const note = notes.get(osUser) ?? seldom(log, nowMs);
    notes.set(osUser, note);
    note(`${osUser}: ${line}`);
  };
}
