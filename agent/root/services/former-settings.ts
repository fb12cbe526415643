/**
 * Finds services of people that still run with the settings from before their unit files were changed. They are not
 * restarted: that would end the terminals and sessions that were started in them.
 */

import type { UnitsPart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import type { Machine, UnitState } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { dropInOf } from "./unit-files.ts";
import { BROWSER_UNIT, instance, T3_UNIT } from "./unit-names.ts";

/** Changes nothing; warns of each of one person's services. */
export function reportFormerSettings(m: Machine, { osUser, state }: UnitsPart, warn: (sentence: string) => void): Step {
  return {
    name: "former settings",
    differences: async () => {
      if (state !== "present") return [];
      const services = [T3_UNIT, BROWSER_UNIT].map((template) => instance(template, osUser));
      for (const unit of await withFormerSettings(m, services)) warn(sentenceOf([unit]));
      return [];
    },
  };
}

/** After the templates have changed, one sentence about the services of all people. */
export async function formerSettingsOfAll(m: Machine): Promise<readonly string[]> {
  const patterns = [T3_UNIT, BROWSER_UNIT].map((template) => instance(template, "*"));
  const list = ["/usr/bin/systemctl", "list-units", "--plain", "--no-legend", "--no-pager", "--", ...patterns];
  const units = (await runOrThrow(m.sys, list, { reads: true }))
    .split("\n")
    .flatMap((line) => line.trim().split(/\s+/)[0] || []);
  const found = units.length === 0 ? [] : await withFormerSettings(m, units);
  return found.length === 0 ? [] : [sentenceOf(found)];
}

const sentenceOf = (units: readonly string[]): string =>
  `${units.join(", ")}: still ${units.length === 1 ? "runs" : "run"} with the former settings; not restarted, since that ` +
  `ends what runs in ${units.length === 1 ? "it" : "them"}. To apply the new settings, run: systemctl restart ${units.join(" ")}`;

async function withFormerSettings(m: Machine, units: readonly string[]): Promise<readonly string[]> {
  const states = await m.units(units);
  return units.filter((unit) => {
    const startedMs = startOf(states.get(unit));
    const files = [`/etc/systemd/system/${templateOf(unit)}`, dropInOf(unit)];
    return startedMs !== undefined && files.some((path) => changedAfter(m, path, startedMs));
  });
}

const templateOf = (unit: string): string => unit.replace(/@.*\./, "@.");

/** Systemd tells whole seconds. A file is written anew only where its text changes. */
function changedAfter(m: Machine, path: string, startedMs: number): boolean {
  const stat = m.sys.look(path);
  return stat !== undefined && Math.floor(stat.mtimeMs / 1000) * 1000 > startedMs;
}

/** When its main process was started; undefined where none runs. */
function startOf(state: UnitState | undefined): number | undefined {
  if (state?.active !== "active") return undefined;
  const shown = state.shown.get("ExecMainStartTimestamp") ?? "";
  const [, day, time] = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) UTC$/.exec(shown) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`);
}
