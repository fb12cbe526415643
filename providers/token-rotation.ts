/**
 * Decides when a token is due for its successor, and when its predecessor is revoked. Pure: the clock is an argument.
 */

/** A token that is out. Times are milliseconds since 1970. */
export interface Issued {
  readonly issuedAtMs: number;
}

export interface Rotation {
  /** A new one is issued; the present one stays for the overlap, so that nothing breaks before the new one arrives. */
  readonly issue: boolean;
  /** The predecessor's overlap is over, or a second predecessor would come to be. */
  readonly retire: boolean;
}

export interface RotationRule {
  readonly rotateAfterDays: number;
  readonly overlapDays: number;
}

export function rotationOf(
  present: Issued,
  predecessor: { readonly retireAtMs: number } | undefined,
  rule: RotationRule,
  nowMs: number,
): Rotation {
  // A clock that was set back makes nothing due: the token only lives longer.
  const issue = nowMs - present.issuedAtMs >= rule.rotateAfterDays * DAY_MS;
  return { issue, retire: predecessor !== undefined && (issue || nowMs >= predecessor.retireAtMs) };
}

export const DAY_MS = 86_400_000;
