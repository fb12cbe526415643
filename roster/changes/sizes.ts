/** Compares two sizes as systemd and Kubernetes write them. */

/** Whether a size rises. What cannot be compared counts as larger. */
export function isLarger(now: string, past: string): boolean {
  if (now === past) return false;
  const [a, b] = [now, past].map((text) => /^([\d.]+)(?:(m)|([KkMGTPE])i?|(%))?$/.exec(text));
  if (past === "infinity") return false;
  if (!a || !b || (a[4] === undefined) !== (b[4] === undefined)) return true;
  return sizeOf(a) > sizeOf(b);
}

const sizeOf = ([, figure, thousandth, unit]: RegExpExecArray): number =>
  (Number(figure) * 1024 ** ("KMGTPE".indexOf((unit ?? "").toUpperCase() || "-") + 1)) /
  (thousandth === undefined ? 1 : 1000);
