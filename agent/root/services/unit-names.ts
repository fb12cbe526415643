/** Names the unit instances of one person and decides which of them run. */

import type { BasePart, UnitsPart } from "../../contract.ts";
import type { HostServices } from "./host-services.ts";

export const T3_UNIT = "t3-serve@.service";
export const BROWSER_UNIT = "browser-serve@.service";
export const CREDENTIALS_TIMER = "credential-sync@.timer";
/** Started by the timer. */
export const CREDENTIALS_SERVICE = "credential-sync@.service";
/** Terminals in the browser: the socket starts the service when the portal opens it. */
export const TERMINAL_SOCKET = "workstation-terminal@.socket";
export const TERMINAL_SERVICE = "workstation-terminal@.service";

/** `t3-serve@.service` and `anca` make `t3-serve@anca.service`. A checked os_user is its own escape. */
export const instance = (template: string, osUser: string): string => template.replace("@.", `@${osUser}.`);

/** The templates of the services that have a command, by its name. The timer before its service, or it would start it again. */
export const TEMPLATES = {
  t3: [T3_UNIT],
  browser: [BROWSER_UNIT],
  credentialSync: [CREDENTIALS_TIMER, CREDENTIALS_SERVICE],
} as const satisfies Readonly<Record<keyof BasePart["commands"], readonly string[]>>;

/** The code server and the browser server of a person, where the host offers them. */
export const serversOf = (osUser: string, offered: HostServices): readonly string[] =>
  (["t3", "browser"] as const).flatMap((name) => (offered[name] ? [instance(TEMPLATES[name][0], osUser)] : []));

/** The socket first, or a connection would start the service again. */
const terminalUnitsOf = (osUser: string): readonly string[] =>
  [TERMINAL_SOCKET, TERMINAL_SERVICE].map((template) => instance(template, osUser));

export const unitsOf = (osUser: string): readonly string[] => [
  ...Object.values(TEMPLATES).map(([template]) => instance(template, osUser)),
  ...terminalUnitsOf(osUser),
];

/** With what a timer starts as well, which may have failed or run when its person is parked or offboarded. */
export const startedUnitsOf = (osUser: string): readonly string[] => [
  ...Object.values(TEMPLATES)
    .flat()
    .map((template) => instance(template, osUser)),
  ...terminalUnitsOf(osUser),
];

export interface WantedUnits {
  readonly run: readonly string[];
  readonly rest: readonly string[];
}

/**
 * Of somebody who is parked nothing runs, not even the credential sync. A unit of a command that the host does not have is
 * no matter of a present person's: the base part stopped it when the command went, and a unit of that name since then
 * belongs to the host's admins.
 */
export function wantedUnits(part: UnitsPart, offered: HostServices): WantedUnits {
  if (part.state !== "present") return { run: [], rest: startedUnitsOf(part.osUser) };
  const timer = offered.credentialSync ? [instance(CREDENTIALS_TIMER, part.osUser)] : [];
  const service = offered.credentialSync ? [instance(CREDENTIALS_SERVICE, part.osUser)] : [];
  // Where the host offers none, its base part has stopped them.
  const { run, rest } = offered.terminals ? wantedTerminalUnits(part) : { run: [], rest: [] };
  return {
    run: [...serversOf(part.osUser, offered), ...(part.claudeAuth ? timer : []), ...run],
    rest: [...(part.claudeAuth ? [] : [...timer, ...service]), ...rest],
  };
}

/** Which units of terminals run on a host that offers them. The service is started by its socket and ends by itself. */
export function wantedTerminalUnits({ osUser, state }: UnitsPart): WantedUnits {
  return state === "present"
    ? { run: [instance(TERMINAL_SOCKET, osUser)], rest: [] }
    : { run: [], rest: terminalUnitsOf(osUser) };
}
