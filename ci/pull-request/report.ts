/** What a preview found, from the step that previews to the one that comments: no value of any resource is in it. */

import { z } from "zod";

const touched = z.array(z.strictObject({ op: z.string(), type: z.string(), name: z.string() }));

export const reportForm = z.strictObject({
  commit: z.string(),
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
});
export type Report = z.output<typeof reportForm>;

export const emptyReport = (commit: string): Report => ({
  ...{ commit, problems: [], plan: [], brakes: [], raised: [], warnings: [] },
  ...{ change: [], before: [], unread: [] },
});
