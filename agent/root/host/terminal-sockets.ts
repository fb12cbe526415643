/** Starts and stops the sockets of people's terminals in the browser, as the host's portal comes and goes. */

import type { BasePart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";
import { TERMINAL_SERVICE, TERMINAL_SOCKET, wantedTerminalUnits } from "../services/unit-names.ts";
import { loadPart, peopleOfParts } from "../state/stored-parts.ts";
import { loadedUnits, type Machine } from "../system/cached-accounts-and-units.ts";

/** Of everybody whose units were delivered before: a portal that is switched on must not wait for the next delivery of theirs. */
export function terminalSockets(m: Machine, base: BasePart): Step {
  if (base.lobby === undefined) return stopped(m);
  const wanted = peopleOfParts(m.sys).flatMap((osUser) => {
    const part = loadPart(m.sys, "units", osUser);
    return part === undefined ? [] : [wantedTerminalUnits(part)];
  });
  return startAndStopUnits(m, {
    run: wanted.flatMap(({ run }) => run),
    rest: wanted.flatMap(({ rest }) => rest),
  });
}

/** The sockets first, or a connection would start a service again. Asking for everybody's by name would load them all. */
function stopped(m: Machine): Step {
  const left = async () => {
    const patterns = [TERMINAL_SOCKET, TERMINAL_SERVICE].map((template) => template.replace("@.", "@*."));
    return [...(await loadedUnits(m.sys, patterns))].sort().reverse();
  };
  return {
    name: "units",
    differences: async () => startAndStopUnits(m, { run: [], rest: await left() }).differences(),
  };
}
