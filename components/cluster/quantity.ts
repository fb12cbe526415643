/** Parses Kubernetes quantities into numbers, to compare and to add them. */

export const MILLI = 1e-3;
export const MEBI = 2 ** 20;

const SUFFIXES: ReadonlyMap<string, number> = new Map([
  ["m", MILLI],
  ["", 1],
  ...["k", "M", "G", "T", "P", "E"].map((suffix, i) => [suffix, 1000 ** (i + 1)] as const),
  ...["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, i) => [suffix, 1024 ** (i + 1)] as const),
]);

/** A quantity as a number of its base unit (cores, bytes, pieces). @throws Error when it is none */
export function amountOf(quantity: string): number {
  const [, digits = "", suffix = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = SUFFIXES.get(suffix);
  if (digits === "" || factor === undefined) throw new Error(`not a quantity: ${quantity}`);
  return Number(digits) * factor;
}
