/** Converges the host's own parts, `base` and `maps`, step by step, and records which steps failed. */

import type { Part } from "../../contract.ts";
import { converge, type Step } from "../../lib/converge.ts";
import { messageOf } from "../../lib/errors.ts";
import { info } from "../../lib/log.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { baseSteps } from "./base-steps.ts";
import { mapSteps } from "./access-maps.ts";
import { missingPrograms, packagesStep } from "./packages.ts";
import { sudoFaultOfChange } from "./sudoers.ts";
import { recordHostFailures } from "../state/host-failures.ts";

export interface HostOutcome {
  readonly changed: number;
  readonly failed: readonly string[];
}

/** One step's failure does not keep the others from converging; all of them are told. */
export async function convergeHost(
  m: Machine,
  delivered: Extract<Part, { kind: "base" | "maps" }>,
  mode: "apply" | "check",
  print: (line: string) => void = info,
): Promise<HostOutcome> {
  const failed: string[] = [];
  let changed = 0;
  const attempt = async (make: () => Step) => {
    try {
      changed += await converge(make(), mode, (sentence) => print(`host: ${sentence}`));
    } catch (error) {
      failed.push(messageOf(error));
    }
  };
  if (delivered.kind === "base") {
    await attempt(() => packagesStep(m, delivered.packages));
    const lacking = missingPrograms(m);
    const fault = lacking.length === 0 ? await sudoFaultOfChange(m) : undefined;
    if (fault !== undefined) failed.push(`${fault}. Nothing else of this host was prepared`);
    else if (lacking.length === 0) for (const make of baseSteps(m, delivered)) await attempt(make);
    // Each step after it would fail for the same reason. A dry run has not installed what it would install.
    else if (mode === "apply" || changed === 0)
      failed.push(`expected ${lacking.join(" and ")} on this host, but found none, so nothing else of it was prepared`);
  } else {
    try {
      for (const step of mapSteps(m, delivered)) await attempt(() => step);
    } catch (error) {
      failed.push(messageOf(error));
    }
  }
  if (mode === "apply") {
    try {
      recordHostFailures(m.sys, delivered.kind, failed);
    } catch (error) {
      // Without the record people are converged all the same.
      failed.push(messageOf(error));
    }
  }
  return { changed, failed };
}
