/** Compares two figures of a limit or a quota, each as the program that enforces it reads them. */

import { type Bounds, LIMIT_BOUNDS, QUOTA_BOUNDS } from "../schema/size-limits.ts";

/**
 * Whether a figure rises. What cannot be compared, such as a size with a share of the host, counts as larger.
 * @param name the figure's name in the roster: `memory` is systemd's, where `1G` is 1024³, `memory_limits` is Kubernetes', where it is 1000³
 */
export function isLarger(name: string, now: string, past: string): boolean {
  if (now === past || past === UNLIMITED) return false;
  const amount = AMOUNTS.get(name);
  if (amount === undefined || now === UNLIMITED || isShare(now) !== isShare(past)) return true;
  const [is, was] = [now, past].map(isShare(now) ? Number.parseFloat : amount) as [number, number];
  return !(is <= was);
}

const UNLIMITED = "infinity";
const isShare = (text: string): boolean => text.endsWith("%");

const AMOUNTS: ReadonlyMap<string, Bounds["amount"]> = new Map(
  Object.entries({ ...LIMIT_BOUNDS, ...QUOTA_BOUNDS }).map(([name, { amount }]) => [name, amount]),
);
