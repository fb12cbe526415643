/** Compares another machine's clock with this machine's. */

import { type Check, missing, ok, type Target } from "./model.ts";

/** Tokens and certificates are valid from the second of their issue, so a larger difference has them refused. */
const LARGEST_SKEW_MS = 30_000;

/**
 * Pure.
 * @param theirs the other clock, in milliseconds since 1970, with a resolution of a second
 * @param between when it was asked and when it had answered, by this machine's clock
 */
export function clockCheck(
  target: Target,
  theirs: number,
  { sentMs, answeredMs }: { readonly sentMs: number; readonly answeredMs: number },
): Check {
  if (!Number.isFinite(theirs)) {
    return missing(target, "clock", {
      found: "its answer names no time",
      expected: "a time",
      remedy: "compare its clock by hand",
    });
  }
  // A whole second may have begun up to a second ago, and was read at some moment of the exchange.
  const ahead = Math.max(0, theirs - answeredMs);
  const behind = Math.max(0, sentMs - (theirs + 1000));
  const seconds = Math.round((ahead > 0 ? ahead : behind) / 1000);
  if (Math.max(ahead, behind) <= LARGEST_SKEW_MS) return ok(target, "clock", "agrees with this machine's");
  return missing(target, "clock", {
    found: `${seconds} s ${ahead > 0 ? "ahead of" : "behind"} this machine's`,
    expected: `a difference of at most ${LARGEST_SKEW_MS / 1000} s: tokens and certificates are refused otherwise`,
    remedy: "timedatectl set-ntp true, on the machine whose clock is wrong",
  });
}
