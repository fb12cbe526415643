/** Builds the settings with which a delivery converges people: every worker is started, and only counted removals are allowed. */

import { info, warn } from "../../lib/log.ts";
import { loadPart } from "../state/stored-parts.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { WORKER_DEADLINE_MS } from "./converge-all.ts";
import type { PersonRun } from "./person-run.ts";
import { deliveryAllowance } from "./offboarding-limits-of-host.ts";

/** How people are converged in a delivery: every worker is started. */
export const deliveryRun = (m: Machine, failpoint: string | undefined): PersonRun => ({
  m,
  mode: "apply",
  info,
  warn,
  allowance: deliveryAllowance(() => loadPart(m.sys, "maps")),
  workerDeadlineMs: WORKER_DEADLINE_MS,
  nowMs: Date.now(),
  failpoint,
  probing: () => false,
});
