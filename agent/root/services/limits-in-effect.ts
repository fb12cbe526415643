/** Compares a person's delivered limits with those that systemd has, whichever file or command set them. */

import { totalmem } from "node:os";
import type { UnitsPart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine, UnitState } from "../system/cached-accounts-and-units.ts";
import { sizeOf } from "../../shared/facts/format.ts";
import { dropInOf } from "./unit-files.ts";
import { servicesOfHost } from "./host-services.ts";
import { instance, serversOf, TERMINAL_SERVICE } from "./unit-names.ts";

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
  const offered = servicesOfHost(m);
  const services = serversOf(part.osUser, offered);
  // Their tmux panes run in the service manager, their terminals in a service that only a click starts.
  const others = [`user@${part.uid}.service`, ...(offered.terminals ? [instance(TERMINAL_SERVICE, part.osUser)] : [])];
  const states = await m.units([slice, EVERYBODY, ...services, ...others]);
  const shown = (unit: string, key: string) => states.get(unit)?.shown.get(key) ?? "";
  const outside = [
    ...services.filter((unit) => shown(unit, "Slice") !== slice),
    ...others.filter((unit) => !["", slice].includes(shown(unit, "Slice"))),
  ];
  return [
    ...sentence(slice, states.get(slice), differencesOf(part.limits, states.get(slice))),
    ...sentence(EVERYBODY, states.get(EVERYBODY), smallerThan(part.limits, states.get(EVERYBODY))),
    ...outside.flatMap((unit) =>
      sentence(unit, states.get(unit), [`Slice=${shown(unit, "Slice")}, expected ${slice}`]),
    ),
  ];
}

/** The slice of all people: what it has at most, nobody below it has more of. */
const EVERYBODY = "user.slice";

function smallerThan(limits: UnitsPart["limits"], state: UnitState | undefined): readonly string[] {
  const rows = [
    ["MemoryMax", limits.memory, bytesOf(limits.memory)],
    ["TasksMax", limits.tasks, Number(limits.tasks)],
  ] as const;
  return rows.flatMap(([key, expected, least]) => {
    const shown = state?.shown.get(key) ?? "";
    return shown !== "" && Number(shown) < least ? [`${key}=${shown}, expected ${expected} or more`] : [];
  });
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
    ["MemoryHigh", "infinity", ["", "infinity"].includes(shown("MemoryHigh"))],
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

/** A share of the memory depends on what systemd takes for the whole of it, so only an excess is seen there. */
function sameSize(shown: string, expected: string): boolean {
  if (expected === "infinity") return shown === expected;
  return expected.endsWith("%") ? Number(shown) <= bytesOf(expected) : Number(shown) === bytesOf(expected);
}

/** Not a number for `infinity`. */
const bytesOf = (size: string): number =>
  size.endsWith("%") ? (totalmem() * Number.parseInt(size, 10)) / 100 : (sizeOf(size) ?? Number.NaN);

const SPANS: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000, min: 60_000_000 };

/** Of systemd's form of a time span: `2s`, `1s 500ms`, `1min 20s`. */
function microseconds(shown: string): number {
  const parts = [...shown.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|min)(?= |$)/g)];
  return Math.round(parts.reduce((sum, [, digits, unit = ""]) => sum + Number(digits) * (SPANS[unit] ?? 0), 0));
}
