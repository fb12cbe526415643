/** Limits a terminal's size to what its service takes. Pure. */

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

const LARGEST: Size = { cols: 1000, rows: 500 };

/** The size of a terminal in a window that could hold a larger one than the service takes; undefined in any other window. */
export function reducedSize({ cols, rows }: Size): Size | undefined {
  // Not numbers while the page is not laid out.
  const isLarger = cols > LARGEST.cols || rows > LARGEST.rows;
  if (!isLarger) return undefined;
  return { cols: Math.min(cols, LARGEST.cols), rows: Math.min(rows, LARGEST.rows) };
}
