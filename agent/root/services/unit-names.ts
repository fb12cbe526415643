/** Names the unit instances of one person and decides which of them run. */

import type { UnitsPart } from "../../contract.ts";

export const T3_UNIT = "t3-serve@.service";
export const BROWSER_UNIT = "browser-serve@.service";
export const CREDENTIALS_TIMER = "credential-sync@.timer";
/** Terminals in the browser: the socket starts the service when the portal opens it. */
export const TERMINAL_SOCKET = "workstation-terminal@.socket";
export const TERMINAL_SERVICE = "workstation-terminal@.service";

/** `t3-serve@.service` and `anca` make `t3-serve@anca.service`. A checked os_user is its own escape. */
export const instance = (template: string, osUser: string): string => template.replace("@.", `@${osUser}.`);

/** The units that run for a person whatever the host offers. */
const ownUnitsOf = (osUser: string): readonly string[] =>
  [T3_UNIT, BROWSER_UNIT, CREDENTIALS_TIMER].map((template) => instance(template, osUser));

/** The socket first, or a connection would start the service again. */
const terminalUnitsOf = (osUser: string): readonly string[] =>
  [TERMINAL_SOCKET, TERMINAL_SERVICE].map((template) => instance(template, osUser));

export const unitsOf = (osUser: string): readonly string[] => [...ownUnitsOf(osUser), ...terminalUnitsOf(osUser)];

export interface WantedUnits {
  readonly run: readonly string[];
  readonly rest: readonly string[];
}

/**
 * Of somebody who is parked nothing runs, not even the credential sync.
 *
 * @param terminals whether this host has a portal, which opens terminals
 */
export function wantedUnits(part: UnitsPart, terminals: boolean): WantedUnits {
  if (part.state !== "present") return { run: [], rest: unitsOf(part.osUser) };
  const timer = instance(CREDENTIALS_TIMER, part.osUser);
  const own = ownUnitsOf(part.osUser).filter((unit) => unit !== timer || part.claudeAuth);
  const { run, rest } = wantedTerminalUnits(part, terminals);
  return { run: [...own, ...run], rest: [...(part.claudeAuth ? [] : [timer]), ...rest] };
}

/** Of the units of terminals alone: which of them run. The service is started by its socket and ends by itself. */
export function wantedTerminalUnits({ osUser, state }: UnitsPart, terminals: boolean): WantedUnits {
  return terminals && state === "present"
    ? { run: [instance(TERMINAL_SOCKET, osUser)], rest: [] }
    : { run: [], rest: terminalUnitsOf(osUser) };
}
