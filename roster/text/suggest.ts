/** Suggests the nearest known word ("did you mean"), where one is near enough to be a typing error. */

/** The nearest of `known`, or nothing when none is within two slips (one, for words of up to three letters). */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const folded = word.toLowerCase().replaceAll("-", "_");
  if (folded.length > 64) return undefined;
  let best: { readonly candidate: string; readonly slips: number } | undefined;
  for (const candidate of candidates) {
    const slips = distance(folded, candidate.toLowerCase().replaceAll("-", "_"));
    if (slips <= (candidate.length <= 3 ? 1 : 2) && (best === undefined || slips < best.slips))
      best = { candidate, slips };
  }
  return best?.candidate;
}

/** `; did you mean "tier"?` or nothing. */
export function didYouMean(word: unknown, candidates: readonly string[]): string {
  const near = typeof word === "string" ? nearest(word, candidates) : undefined;
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        slips = Math.min(slips, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(slips);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
