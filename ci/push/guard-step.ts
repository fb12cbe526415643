/** Runs the step `guard`: stops a deployment that needs an admin's confirmation, and tells the chat what to confirm. */

import { announce } from "../chat.ts";
import { log } from "../log.ts";
import { authorize } from "./require-confirmation.ts";
import { readDeploymentContext } from "./deployment-context.ts";

/** @returns 1 where the deployment has to wait for an admin */
export async function guard(): Promise<number> {
  const { authorized, lines } = await authorize(await readDeploymentContext());
  if (authorized) log(lines.join("\n"));
  else await announce(lines);
  return authorized ? 0 : 1;
}
