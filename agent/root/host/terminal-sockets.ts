/** Starts and stops the sockets of people's terminals in the browser, as the host's portal comes and goes. */

import type { BasePart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";
import { wantedTerminalUnits, type WantedUnits } from "../services/unit-names.ts";
import { loadPart, peopleOfParts } from "../state/stored-parts.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";

/** Of everybody whose units were delivered before: a portal that is switched on must not wait for the next delivery of theirs. */
export function terminalSockets(m: Machine, base: BasePart): Step {
  const wanted = peopleOfParts(m.sys).flatMap((osUser): readonly WantedUnits[] => {
    const part = loadPart(m.sys, "units", osUser);
    return part === undefined ? [] : [wantedTerminalUnits(part, base.lobby !== undefined)];
  });
  return startAndStopUnits(m, {
    run: wanted.flatMap(({ run }) => run),
    rest: wanted.flatMap(({ rest }) => rest),
  });
}
