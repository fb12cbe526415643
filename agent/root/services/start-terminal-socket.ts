/**
 * Starts the terminal socket of a user who is present and has none: systemd gives one up when the service fails too often.
 */

import { machineOf } from "../system/cached-accounts-and-units.ts";
import { runOrThrow, type System } from "../system/privileged-operations.ts";
import { loadPart } from "../state/stored-parts.ts";
import { servicesOfHost } from "./host-services.ts";
import { resetFailed, RUNNING } from "./start-and-stop-units.ts";
import { instance, TERMINAL_SERVICE, wantedTerminalUnits } from "./unit-names.ts";

/** @throws Refusal when it does not start, or a stored part is damaged */
export async function startTerminalSocket(sys: System, osUser: string): Promise<void> {
  const m = machineOf(sys);
  const part = loadPart(sys, "units", osUser);
  if (part === undefined || !servicesOfHost(m).terminals) return;
  const service = instance(TERMINAL_SERVICE, osUser);
  for (const socket of wantedTerminalUnits(part).run) {
    const found = (await m.units([socket])).get(socket);
    if (found?.load !== "loaded" || RUNNING.has(found.active)) continue;
    // The service too: with its starts used up, the first connection would end the socket again.
    await resetFailed(m, [socket, service]);
    await runOrThrow(m.sys, ["/usr/bin/systemctl", "start", "--", socket]);
  }
}
