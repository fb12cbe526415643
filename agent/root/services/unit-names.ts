/** Names the unit instances of one person and decides which of them run. */

import type { UnitsPart } from "../../contract.ts";

export const T3_UNIT = "t3-serve@.service";
export const BROWSER_UNIT = "browser-serve@.service";
export const CREDENTIALS_TIMER = "credential-sync@.timer";

/** `t3-serve@.service` and `anca` make `t3-serve@anca.service`. A checked os_user is its own escape. */
export const instance = (template: string, osUser: string): string => template.replace("@.", `@${osUser}.`);

export const unitsOf = (osUser: string): readonly string[] =>
  [T3_UNIT, BROWSER_UNIT, CREDENTIALS_TIMER].map((template) => instance(template, osUser));

/** Of somebody who is parked nothing runs, not even the credential sync. */
export function wantedUnits(part: UnitsPart): { readonly run: readonly string[]; readonly rest: readonly string[] } {
  const all = unitsOf(part.osUser);
  if (part.state !== "present") return { run: [], rest: all };
  const timer = instance(CREDENTIALS_TIMER, part.osUser);
  return part.claudeAuth ? { run: all, rest: [] } : { run: all.filter((u) => u !== timer), rest: [timer] };
}
