/** Defines the report of a preview, which the step `preview` writes and the step `comment` reads: no value of any resource is in it. */

import { z } from "zod";

const touched = z.array(z.strictObject({ op: z.string(), type: z.string(), name: z.string() }));

export const reportForm = z.strictObject({
  commit: z.string(),
  /** The deployment whose program, state and user map were used; null where the preview did not come to that. */
  deployed: z.strictObject({ commit: z.string(), time: z.string(), hasUserMap: z.boolean() }).nullable(),
  /** Why there is no preview; empty where there is one. */
  problems: z.array(z.string()),
  /** The plan in people's words. */
  plan: z.array(z.string()),
  /** Where a deployment would stop. */
  brakes: z.array(z.string()),
  /** Whose rights rise: an admin has to confirm it. */
  raised: z.array(z.string()),
  warnings: z.array(z.string()),
  change: touched,
  before: touched,
  /** Changed files that no preview runs or reads. */
  unread: z.array(z.string()),
  /** Files of the base branch that are not deployed as they are, and that no preview runs either. */
  undeployed: z.array(z.string()),
});
export type Report = z.output<typeof reportForm>;

export const emptyReport = (commit: string): Report => ({
  ...{ commit, deployed: null, problems: [], plan: [], brakes: [], raised: [], warnings: [] },
  ...{ change: [], before: [], unread: [], undeployed: [] },
});
