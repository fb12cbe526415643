/** Computes the desired state within the program: stops at a safety limit, and logs the plan. */

import * as pulumi from "@pulumi/pulumi";
import type { Derivation } from "../roster/derive/derive.ts";
import { renderProblem } from "../roster/render-problem.ts";
import { type RunInputs, computeDesiredState } from "../config/desired-state.ts";
import { Refusal } from "../config/refusal.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";

/** @throws Refusal with every problem of the roster, the user map and the ledger, or with the brakes that are on */
export async function decide(settings: StackSettings, inputs: RunInputs): Promise<Derivation> {
  if (inputs.userMap?.isRead === false) await pulumi.log.warn(inputs.userMap.warning);
  const derivation = await computeDesiredState(settings, inputs);
  if (derivation.brakes.length === 0) return derivation;
  throw new Refusal(
    ["Stopped before any change:", ...derivation.brakes.map(({ message }) => `  ${message}`)].join("\n"),
  );
}

/** Says the plan and the warnings where the engine shows them: in the preview, and in the update's log. */
export async function announce({ plan, warnings }: Derivation): Promise<void> {
  for (const warning of warnings) await pulumi.log.warn(renderProblem(warning));
  if (plan.length > 0) await pulumi.log.info(["What will happen to whom:", ...plan].join("\n  "));
}
