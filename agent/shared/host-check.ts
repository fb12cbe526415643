/** Defines the answer of `workstation reconcile --check --json`, in which a host reports how it differs from what was delivered. */

import { z } from "zod";

const entry = z.object({
  /** An OS user, or `host`. */
  who: z.string(),
  what: z.string(),
});
export type HostCheckEntry = z.output<typeof entry>;

export const hostCheck = z.object({
  /** What a run would change: somebody or something else has changed it since the last run. */
  changes: z.array(entry),
  /** What a run would change only because a last day has passed; the hourly run brings it about by itself. */
  due: z.array(entry),
  /** What could not be compared or brought about, and what is wrong now and changed by no run. */
  failures: z.array(entry),
  /** What no run changes, such as a clone with uncommitted changes. */
  warnings: z.array(entry),
});
export type HostCheck = z.output<typeof hostCheck>;
