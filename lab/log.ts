/**
 * Prints the lab's messages: plain lines on standard error, and on a terminal one line that is rewritten for progress.
 */

/** Shows a line of its own. Nothing secret may be in it. */
export function log(line: string): void {
  clearProgress();
  process.stderr.write(`${line}\n`);
}

/** Shows what is going on right now: rewritten in place on a terminal, left out elsewhere (a log wants results, not ticks). */
export function progress(line: string): void {
  if (!process.stderr.isTTY) return;
  const width = process.stderr.columns ?? 80;
  process.stderr.write(`\r\u001b[K${line.slice(0, width - 1)}`);
  shown = true;
}

/** `9 s`, `2 min 05 s`: how long something took, for people. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

let shown = false;

function clearProgress(): void {
  if (!shown) return;
  process.stderr.write("\r\u001b[K");
  shown = false;
}
