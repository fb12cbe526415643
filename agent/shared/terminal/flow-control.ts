/** Limits how much output is sent and not yet drawn: a program that prints without end must not fill any memory. Pure. */

export interface FlowControl {
  /** Counts what was sent. @returns whether to pause, since so much has not been drawn yet */
  sent(bytes: number): boolean;
  /** Counts what the browser has drawn. @returns whether to go on */
  drawn(bytes: number): boolean;
}

/** @param most so many bytes may be undrawn; output goes on when half of them are drawn */
export function flowControl(most: number): FlowControl {
  let undrawn = 0;
  return {
    sent(bytes) {
      undrawn += bytes;
      return undrawn >= most;
    },
    drawn(bytes) {
      // A browser that reports more than it was sent gains nothing by it.
      undrawn = Math.max(0, undrawn - bytes);
      return undrawn <= most / 2;
    },
  };
}
