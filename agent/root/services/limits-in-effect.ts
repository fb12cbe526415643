/** Compares a person's delivered limits and their units' rights with those that systemd has, whichever file or command set them. */

import { totalmem } from "node:os";
import type { UnitsPart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import { asset } from "../../lib/assets.ts";
import type { Machine, UnitState } from "../system/cached-accounts-and-units.ts";
import { sizeOf } from "../../shared/facts/format.ts";
import { broken, type Difference, type Rule, sentence } from "./compare-properties.ts";
import { servicesOfHost } from "./host-services.ts";
import { rightsOf } from "./unit-rights.ts";
import { settingFile } from "./setting-file.ts";
import { BROWSER_UNIT, instance, serversOf, T3_UNIT, TERMINAL_SERVICE } from "./unit-names.ts";

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

/** One sentence a unit whose limits or rights are others than delivered. */
export async function otherLimits(m: Machine, part: UnitsPart): Promise<readonly string[]> {
  const slice = sliceOf(part.uid);
  const offered = servicesOfHost(m);
  const services = serversOf(part.osUser, offered);
  // Their tmux panes run in the service manager, their terminals in a service that only a click starts.
  const manager = `user@${part.uid}.service`;
  const others = [manager, ...(offered.terminals ? [instance(TERMINAL_SERVICE, part.osUser)] : [])];
  const states = await m.units([slice, EVERYBODY, ...services, ...others]);
  const inSlice = (mayBeUnknown: boolean): Rule => ({
    key: "Slice",
    expected: slice,
    holds: (shown) => shown === slice || (mayBeUnknown && shown === ""),
  });
  const rules = new Map<string, readonly Rule[]>([
    [slice, [...exactly(part.limits), ...UNDECIDED]],
    [EVERYBODY, [...atLeast(part.limits), ...UNDECIDED]],
    ...services.map((unit) => [unit, [inSlice(false), NOT_SLOWED, ...UNDECIDED]] as const),
    ...others.map((unit) => [unit, [inSlice(true), NOT_SLOWED, ...UNDECIDED]] as const),
  ]);
  rules.set(manager, [inSlice(true), ...atLeast(part.limits), ...UNDECIDED]);
  const rights = rightsOf(part);
  return [...rules].flatMap(([unit, of]) => {
    const state = states.get(unit);
    // For a unit that is not there systemd shows its defaults.
    const ofRights = state?.load === "loaded" ? (rights.get(unit) ?? []) : [];
    const lowered = isService(unit) ? loweredIn(m, unit, state, part) : [];
    return sentence(m, unit, state, [...broken([...of, ...ofRights], state), ...lowered]);
  });
}

/** The template of a service of a person's that has a memory limit of its own. */
const templateOf = (unit: string): string => unit.replace(/@.*\./, "@.");
const isService = (unit: string): boolean => OWN_LIMIT.includes(templateOf(unit));
const OWN_LIMIT: readonly string[] = [T3_UNIT, BROWSER_UNIT, TERMINAL_SERVICE];

/** Limits of one service below those of its person and of its template, whatever set them. */
function loweredIn(m: Machine, unit: string, state: UnitState | undefined, part: UnitsPart): readonly Difference[] {
  const own = /^MemoryMax=(.+)$/m.exec(asset(templateOf(unit)))?.[1] ?? "infinity";
  const isLower = part.limits.memory === "infinity" || bytesOf(own) < bytesOf(part.limits.memory);
  const rules = atLeast({ ...part.limits, memory: isLower ? own : part.limits.memory });
  const limits = rules.filter(({ key }) => key !== NOT_SLOWED.key);
  // Every service has a limit of tasks from systemd itself, which is nobody's decision.
  return broken(limits, state).filter(({ key }) => key !== "TasksMax" || settingFile(m.sys, state, key) !== undefined);
}

/** The slice of all people: what it has at most, nobody below it has more of. */
const EVERYBODY = "user.slice";

const unlimited = (shown: string): boolean => ["", "infinity"].includes(shown);
const cpuOf = (limits: UnitsPart["limits"]): number => Number.parseInt(limits.cpu, 10) * 10_000;

/** A service that is slowed down looks broken, and nobody decided that. */
const NOT_SLOWED: Rule = { key: "MemoryHigh", expected: "infinity", holds: unlimited };

/** What no stack decides for people, on any of their units: devices and processors that are left out. */
const UNDECIDED: readonly Rule[] = [
  { key: "DevicePolicy", expected: "auto", holds: (shown) => ["", "auto"].includes(shown) },
  { key: "DeviceAllow", expected: "none", holds: (shown) => shown === "" },
  { key: "AllowedCPUs", expected: "none", holds: (shown) => shown === "" },
];

const exactly = (limits: UnitsPart["limits"]): readonly Rule[] => [
  { key: "MemoryMax", expected: limits.memory, holds: (shown) => sameSize(shown, limits.memory) },
  NOT_SLOWED,
  { key: "MemorySwapMax", expected: "0", holds: (shown) => shown === "0" },
  { key: "CPUQuotaPerSecUSec", expected: limits.cpu, holds: (shown) => microseconds(shown) === cpuOf(limits) },
  { key: "TasksMax", expected: limits.tasks, holds: (shown) => shown === limits.tasks },
];

/** Of a unit around theirs, or one of theirs that has no limits of its own. Where it has none, it has enough. */
function atLeast(limits: UnitsPart["limits"]): readonly Rule[] {
  const rule = (key: string, expected: string, holds: (shown: string) => boolean): Rule => ({
    key,
    expected: expected === "infinity" ? expected : `${expected} or more`,
    holds: (shown) => unlimited(shown) || holds(shown),
  });
  const enough = (needed: number) => (shown: string) => !(Number(shown) < needed);
  const memory = enough(limits.memory === "infinity" ? Number.POSITIVE_INFINITY : bytesOf(limits.memory));
  const tasks = enough(limits.tasks === "infinity" ? Number.POSITIVE_INFINITY : Number(limits.tasks));
  return [
    rule("MemoryMax", limits.memory, memory),
    rule("MemoryHigh", limits.memory, memory),
    rule("CPUQuotaPerSecUSec", limits.cpu, (shown) => microseconds(shown) >= cpuOf(limits)),
    rule("TasksMax", limits.tasks, tasks),
  ];
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
