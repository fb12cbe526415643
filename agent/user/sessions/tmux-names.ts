/** Converts session names and directories for tmux, which escapes what it prints and expands what it is given. */

/**
 * What to give tmux so that it makes a session of exactly this name. tmux escapes control characters and doubles
 * backslashes in the names it keeps (3.3a), so an escaped one is undone first; a `#` would begin a format.
 */
export const nameToGive = (kept: string): string => literal(unescaped(kept));

/**
 * Text that tmux takes as it is where it expands formats: session names and start directories. A `;` at the end of an
 * argument would end the command.
 */
export const literal = (text: string): string => text.replaceAll("#", "##").replace(/;$/, "\\;");

const LETTERS: ReadonlyMap<string, number> = new Map([
  ...["n\n", "r\r", "b\b", "a\x07", "v\v", "t\t", "f\f", "s "].map(
    (pair) => [pair.charAt(0), pair.charCodeAt(1)] as const,
  ),
  ["0", 0],
  ["\\", 0x5c],
]);

/** The reverse of what vis(3) does with `VIS_OCTAL | VIS_CSTYLE`; text that it cannot have made is left alone. */
function unescaped(kept: string): string {
  const bytes: Buffer[] = [];
  const pattern = /\\([0-3][0-7]{2}|[nrbavtfs0\\])|[^\\]+|\\/g;
  for (const [piece, code] of kept.matchAll(pattern)) {
    if (code === undefined) bytes.push(Buffer.from(piece, "utf8"));
    else bytes.push(Buffer.from([LETTERS.get(code) ?? Number.parseInt(code, 8)]));
  }
  const whole = Buffer.concat(bytes);
  const text = whole.toString("utf8");
  // An argument can hold neither NUL nor broken UTF-8: such a name is given as tmux showed it.
  return text.includes("\0") || !Buffer.from(text, "utf8").equals(whole) ? kept : text;
}
