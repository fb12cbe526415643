/** Describes a problem of a YAML text by its place in the text and in the tree. */

import type { Position } from "../model.ts";

/** A problem that hides what near it cannot be judged. */
export interface TreeProblem {
  /** Offset in the text. */
  readonly at: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /**
   * What is not judged because of it: the rest of its line, the next line too, or the whole row, where the text could not be read and
   * something near it may be mistaken for something else; `rest` also hides what else of the text below it in the row
   * could not be read.
   */
  readonly hides: "line" | "lines" | "row" | "rest" | "nothing";
  /** Where the file has it, when the text was changed there before it was parsed. */
  readonly position?: Position;
}
