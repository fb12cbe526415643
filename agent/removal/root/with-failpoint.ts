/** Runs one mutating step of the removal program between its two failpoints. */

import { hit } from "../../lib/failpoints.ts";
import type { RemovalPoint } from "../../lib/removal-failpoints.ts";

export function withFailpoint<T>(point: RemovalPoint, act: () => T): T {
  hit(point, "before");
  const done = act();
  hit(point, "after");
  return done;
}

export async function withFailpointAsync<T>(point: RemovalPoint, act: () => Promise<T>): Promise<T> {
  hit(point, "before");
  const done = await act();
  hit(point, "after");
  return done;
}
