/** Describes a text of which what a paste left was replaced by characters that YAML can read. */

/** What a paste left at one place. */
export interface Pasted {
  readonly offset: number;
  readonly message: string;
  /** What else is not judged: the line, the next one too, or the row, where their meaning is unsure. */
  readonly hides: "line" | "lines" | "row" | "nothing";
}

/** A text without what was found in it. */
export interface Cleaned {
  /** As long as the given text, so that every offset still holds. */
  readonly text: string;
  readonly found: readonly Pasted[];
}
