/** Enables and starts systemd units, or stops and disables them. */

import { type Change, type Step, says } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";

/** States of a unit that does what it is meant to, or is about to. */
export const RUNNING: ReadonlySet<string> = new Set(["active", "activating", "reloading"]);
const RESTING = new Set(["inactive", "failed"]);
const START_TIMEOUT_MS = 90_000;

/** @throws Refusal when a unit's template is missing, or when it does not start. */
export function startAndStopUnits(
  m: Machine,
  wanted: { readonly run: readonly string[]; readonly rest: readonly string[] },
): Step {
  return {
    name: "units",
    differences: async () => {
      const states = await m.units([...wanted.run, ...wanted.rest]);
      const changes: Change[] = [];
      const enable = enableTogether(
        m,
        wanted.run.filter((unit) => states.get(unit)?.file !== "enabled"),
      );
      for (const unit of wanted.run) {
        const state = states.get(unit);
        if (state?.load !== "loaded")
          throw new Refusal(`${unit} cannot be loaded (${state?.load}); the base part installs its template`);
        if (RUNNING.has(state.active) && state.file === "enabled") continue;
        changes.push({
          point: "units-start",
          says: says("start", `${unit}, enabled`),
          apply: async () => start(m, unit, state.active, (await enable()) ? ["start"] : ["enable", "--now"]),
        });
      }
      for (const unit of wanted.rest) {
        const state = states.get(unit);
        if (state?.active === "failed" && state.file !== "enabled") {
          changes.push({
            point: "units-stop",
            says: says("reset", `the failed state of ${unit}, which is meant to be stopped`),
            apply: () => resetFailed(m, [unit]),
          });
        }
        const rests = state === undefined || (RESTING.has(state.active) && state.file !== "enabled");
        if (rests || state.load === "not-found") continue;
        const apply = async () => {
          await runOrThrow(m.sys, ["/usr/bin/systemctl", "disable", "--now", "--quiet", "--", unit], {
            timeoutMs: START_TIMEOUT_MS,
          });
          // Many programs end with another status than 0 when they are stopped: 130, 143, or one of their own.
          await resetFailed(m, [unit]);
        };
        changes.push({ point: "units-stop", says: says("stop", `${unit}, disabled`), apply });
      }
      return changes;
    },
  };
}

/** Of units that were stopped on purpose a failed state says nothing, and would be taken for a fault for good. */
export async function resetFailed(m: Machine, units: readonly string[]): Promise<void> {
  const states = await m.units(units);
  const failed = units.filter((unit) => states.get(unit)?.active === "failed");
  if (failed.length > 0) await runOrThrow(m.sys, ["/usr/bin/systemctl", "reset-failed", "--", ...failed]);
}

async function start(m: Machine, unit: string, active: string, verb: readonly string[]): Promise<void> {
  // Only a unit of ours, and only when it has used up its starts: the cause may be gone by now.
  if (active === "failed") await runOrThrow(m.sys, ["/usr/bin/systemctl", "reset-failed", "--", unit]);
  await runOrThrow(m.sys, ["/usr/bin/systemctl", ...verb, "--quiet", "--", unit], { timeoutMs: START_TIMEOUT_MS });
}

/**
 * Enables all of them with the first that is started, since systemd loads all of its configuration anew for each command
 * that enables units.
 * @returns whether they are enabled; where one cannot be, each is to be enabled by itself, which names that one
 */
function enableTogether(m: Machine, units: readonly string[]): () => Promise<boolean> {
  const argv = ["/usr/bin/systemctl", "enable", "--quiet", "--", ...units];
  let enabled: Promise<boolean> | undefined;
  return () => {
    enabled ??=
      units.length === 0
        ? Promise.resolve(true)
        : m.sys.run(argv, { timeoutMs: START_TIMEOUT_MS }).then(({ code }) => code === 0);
    return enabled;
  };
}
