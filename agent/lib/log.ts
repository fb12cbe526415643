/** Prints log lines. Text from homes and remotes is untrusted, so it is cleaned before it is printed. */

const LONGEST_MESSAGE = 4096;
/** Text from outside may be a MiB of one letter: no pattern is run over more than this. */
const LONGEST_LOOK = 4 * LONGEST_MESSAGE;

/** Prints one line on standard output. */
export function info(line: string): void {
  process.stdout.write(`${clean(line)}\n`);
}

/** Prints one line on standard error. */
export function warn(line: string): void {
  process.stderr.write(`${clean(line)}\n`);
}

/**
 * A message without control characters (no escape sequence, no second line, no workflow command), without credentials
 * in URLs or headers, and of at most 4 KiB.
 */
export function clean(text: string): string {
  const safe = redact(text.slice(0, LONGEST_LOOK))
    .replace(/[\p{Cc}\u2028\u2029\p{Bidi_Control}]+/gu, " ")
    .replace(/^::/, ": :")
    .trimEnd();
  return safe.length > LONGEST_MESSAGE ? `${safe.slice(0, LONGEST_MESSAGE)} … (truncated)` : safe;
}

/** Takes the user part out of URLs, and what follows an authorization header or a token's usual key. */
export function redact(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s@'"]{1,1024}@/gi, "$1***@")
    .replace(/\b(authorization:?\s*(?:bearer|basic|token)?)\s+\S+/gi, "$1 ***")
    .replace(
      /\b((?:access_|auth_|private_)?token|password|passwd|secret)(["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
      "$1$2***",
    );
}
