/** Prepares what is typed, pasted and shown as a title, so that text from elsewhere cannot act as keys. Pure. */

/** Below the longest message of the service, with room for the encoding of a character that is cut. */
const PIECE_BYTES = 32 * 1024;

/**
 * Text as it may be pasted: line ends and tabs stay, every other control character goes. An escape in it could end the
 * brackets of a paste early, and a program would take the rest for keys.
 */
export const pastedText = (text: string): string => text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "");

const LONGEST_TITLE = 200;

/** A title that a program has set, as plain text of one line that keeps its reading direction. */
export const titleText = (title: string): string =>
  title
    .slice(0, LONGEST_TITLE)
    .replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, " ")
    .trim();

/** The two forms of an arrow, which a program chooses between. */
const ARROW_STARTS = ["\x1b[", "\x1bO"];

/** What Ctrl and this key send; undefined where the two have no meaning of their own. */
export function withControl(key: string): string | undefined {
  const letter = key.slice(2);
  if (ARROW_STARTS.includes(key.slice(0, 2)) && ["A", "B", "C", "D"].includes(letter)) return `\x1b[1;5${letter}`;
  if (key.length !== 1) return undefined;
  if (key === " ") return "\0";
  if (key === "?") return "\x7f";
  const code = key.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : undefined;
}

/** The mouse, the focus, the cursor's place and answers to what a program asks of its terminal (xterm's control sequences). */
const REPORT = /^(?:\[(?:<[\d;]+[Mm]|[IO]|[?>][\d;$]*[a-z]|\d+n|\d+;\d+R)|[\]P].+)$/s;

/** Whether the terminal sends this by itself, and nobody has typed it. */
export const isReport = (data: string): boolean => data.startsWith("\x1b") && REPORT.test(data.slice(1));

/** What is typed, as messages that are short enough for the service. */
export function messagesOf(typed: string): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(typed);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) pieces.push(bytes.subarray(at, at + PIECE_BYTES));
  return pieces;
}
