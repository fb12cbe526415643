/** Compares a person's delivered limits with those that systemd has, whichever file or command set them. */

import { totalmem } from "node:os";
import type { UnitsPart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine, UnitState } from "../system/cached-accounts-and-units.ts";
import { dropInOf } from "./unit-files.ts";
import { servicesOfHost } from "./host-services.ts";
import { serversOf } from "./unit-names.ts";

export const sliceOf = (uid: number): string => `user-${uid}.slice`;

/** @throws Refusal where another file or command has the last word: it is named, and what it sets is not fought over */
export function limitsInEffect(m: Machine, part: UnitsPart): Step {
  return {
    name: "limits",
    differences: async () => {
      const different = await otherLimits(m, part);
      if (different.length > 0) throw new Refusal(different.join("; "));
      return [];
    },
  };
}

/** One sentence a unit whose limits are others than delivered. */
export async function otherLimits(m: Machine, part: UnitsPart): Promise<readonly string[]> {
  const slice = sliceOf(part.uid);
  const services = serversOf(part.osUser, servicesOfHost(m));
  const states = await m.units([slice, ...services]);
  const ofServices = services.flatMap((unit) => {
    const found = states.get(unit)?.shown.get("Slice") ?? "";
    return found === slice ? [] : sentence(unit, states.get(unit), [`Slice=${found}, expected ${slice}`]);
  });
  return [...sentence(slice, states.get(slice), differencesOf(part.limits, states.get(slice))), ...ofServices];
}

function sentence(unit: string, state: UnitState | undefined, different: readonly string[]): readonly string[] {
  if (different.length === 0) return [];
  const dropIns = (state?.shown.get("DropInPaths") ?? "").split(" ");
  const others = dropIns.filter((path) => path !== "" && path !== dropInOf(unit));
  const from = others.length === 0 ? "" : ` Other drop-ins: ${others.join(", ")}.`;
  return [
    `systemd has for ${unit} ${different.join(" and ")}.${from} Remove what overrides it, then run: systemctl daemon-reload`,
  ];
}

/** Exported for the tests: what is shown and differs, each as `MemoryMax=1G, expected 2G`. */
export function differencesOf(limits: UnitsPart["limits"], state: UnitState | undefined): readonly string[] {
  const shown = (key: string) => state?.shown.get(key) ?? "";
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["MemoryMax", limits.memory, sameSize(shown("MemoryMax"), limits.memory)],
    ["MemorySwapMax", "0", shown("MemorySwapMax") === "0"],
    [
      "CPUQuotaPerSecUSec",
      limits.cpu,
      microseconds(shown("CPUQuotaPerSecUSec")) === Number.parseInt(limits.cpu, 10) * 10_000,
    ],
    ["TasksMax", limits.tasks, shown("TasksMax") === limits.tasks],
  ];
  return rows.flatMap(([key, expected, same]) => (same ? [] : [`${key}=${shown(key)}, expected ${expected}`]));
}

const FACTORS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** A share of the memory depends on what systemd takes for the whole of it, so only an excess is seen there. */
function sameSize(shown: string, expected: string): boolean {
  if (expected === "infinity") return shown === expected;
  const [, digits = "", unit = ""] = /^(\d+)([KMGT%]?)$/.exec(expected) ?? [];
  if (unit === "%") return Number(shown) <= (totalmem() * Number(digits)) / 100;
  return Number(shown) === Number(digits) * (FACTORS[unit] ?? 1);
}

const SPANS: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000, min: 60_000_000 };

/** Of systemd's form of a time span: `2s`, `1s 500ms`, `1min 20s`. */
function microseconds(shown: string): number {
  const parts = [...shown.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|min)(?= |$)/g)];
  return Math.round(parts.reduce((sum, [, digits, unit = ""]) => sum + Number(digits) * (SPANS[unit] ?? 0), 0));
}
