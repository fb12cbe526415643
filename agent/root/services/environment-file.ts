/** Sets single assignments in a file of environment variables and keeps every other byte, as systemd reads such a file. */

/** One assignment as systemd sees it: its key, and where it stands in the text, line end included. */
interface Assignment {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

interface Parsed {
  readonly assignments: readonly Assignment[];
  /** The text ends inside a quote, behind a backslash or in a comment: whatever is appended would become part of it. */
  readonly open: boolean;
}

/**
 * The text with exactly one assignment of each given key and every other line as it was, in its order.
 *
 * Texts are byte strings (`latin1`), so that bytes that are no valid UTF-8 survive. Applying it twice changes nothing.
 */
export function setAssignments(text: string, values: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [key, value] of values) result = setAssignment(result, key, value);
  return result;
}

/** What systemd would make of one key: the raw right-hand side of its last assignment; undefined when there is none. */
export function assignmentOf(text: string, key: string): string | undefined {
  const last = parse(text)
    .assignments.filter((a) => a.key === key)
    .at(-1);
  if (last === undefined) return undefined;
  const whole = text.slice(last.start, last.end);
  return whole.slice(whole.indexOf("=") + 1).replace(/[\r\n]+$/, "");
}

function setAssignment(text: string, key: string, value: string): string {
  const line = `${key}=${value}`;
  const mine = parse(text).assignments.filter((a) => a.key === key);
  const [first, ...others] = mine;
  if (
    first !== undefined &&
    others.length === 0 &&
    /^[^\r\n]*(?:\n|$)/.exec(text.slice(first.start, first.end))?.[0].trimEnd() === line
  )
    return text;
  let rest = text;
  for (const other of [...others].reverse()) rest = rest.slice(0, other.start) + rest.slice(other.end);
  if (first !== undefined) return `${rest.slice(0, first.start)}${line}\n${rest.slice(first.end)}`;
  const closed = rest === "" || rest.endsWith("\n") ? rest : `${rest}\n`;
  return parse(closed).open ? `${line}\n${rest}` : `${closed}${line}\n`;
}

type State =
  | "before-key"
  | "key"
  | "before-value"
  | "value"
  | "escape"
  | "single"
  | "double"
  | "double-escape"
  | "comment"
  | "comment-escape";

/** The same machine as systemd's reader of `EnvironmentFile=`: quotes and backslashes may carry a value over lines. */
function parse(text: string): Parsed {
  const assignments: Assignment[] = [];
  let state: State = "before-key";
  let start = 0;
  let key = "";
  const done = (end: number) => assignments.push({ key: key.trimEnd(), start, end });
  for (let at = 0; at < text.length; at += 1) {
    const c = text.charAt(at);
    const lineEnd = c === "\n" || c === "\r";
    switch (state) {
      case "before-key":
        if (c === "#" || c === ";") state = "comment";
        else if (!isSpace(c) && !lineEnd) [state, start, key] = ["key", at, c];
        break;
      case "key":
        if (lineEnd) state = "before-key";
        else if (c === "=") state = "before-value";
        else key += c;
        break;
      case "before-value":
        if (lineEnd) [state] = ["before-key", done(at + 1)];
        else if (c === "'") state = "single";
        else if (c === '"') state = "double";
        else if (c === "\\") state = "escape";
        else if (!isSpace(c)) state = "value";
        break;
      case "value":
        if (lineEnd) [state] = ["before-key", done(at + 1)];
        else if (c === "\\") state = "escape";
        break;
      case "escape":
        state = "value";
        break;
      case "single":
        if (c === "'") state = "before-value";
        break;
      case "double":
        if (c === '"') state = "before-value";
        else if (c === "\\") state = "double-escape";
        break;
      case "double-escape":
        state = "double";
        break;
      case "comment":
        if (c === "\\") state = "comment-escape";
        else if (lineEnd) state = "before-key";
        break;
      case "comment-escape":
        state = "comment";
        break;
    }
  }
  const inValue = state !== "before-key" && state !== "key" && state !== "comment" && state !== "comment-escape";
  if (inValue) done(text.length);
  const open = state !== "before-key";
  return { assignments, open };
}

const isSpace = (c: string): boolean => c === " " || c === "\t";
