/** Starts a user's terminal socket again after systemd has given it up, which it does when the service fails too often. */

import { machineOf } from "../system/cached-accounts-and-units.ts";
import { runOrThrow, type System } from "../system/privileged-operations.ts";
import { resetFailed } from "./start-and-stop-units.ts";
import { instance, TERMINAL_SERVICE, TERMINAL_SOCKET } from "./unit-names.ts";

/** A socket that is stopped on purpose has not failed, and stays stopped. @throws Refusal when it does not start */
export async function restartFailedTerminals(sys: System, osUser: string): Promise<void> {
  const m = machineOf(sys);
  const socket = instance(TERMINAL_SOCKET, osUser);
  const service = instance(TERMINAL_SERVICE, osUser);
  const states = await m.units([socket, service]);
  if (states.get(socket)?.active !== "failed") return;
  // The service too: with its starts used up, the first connection would end the socket again.
  await resetFailed(m, [socket, service]);
  await runOrThrow(m.sys, ["/usr/bin/systemctl", "start", "--", socket]);
}
