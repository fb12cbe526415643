/**
 * The step `drift`: what is no longer as the last deployment left it, on every surface. It runs the deployed commit's
 * program, changes nothing, and tells the chat.
 */

import { PROJECT } from "../cli/pulumi.ts";
import { type Host, HostUnreached, onHost } from "../cli/reach/host.ts";
import { openStack } from "../cli/reach/stack.ts";
import type { StackSettings } from "../stacks/settings/index.ts";
import { announce } from "./chat.ts";
import { pulumi, stackOfPipeline, tail } from "./engine.ts";
import { given, StepError } from "./environment.ts";
import { differencesBetween, previewForm } from "./pull-request/differences.ts";
import { say } from "./say.ts";

const HOST_LIMIT_MS = 300_000;

/** @returns 1 where something drifted, or could not be looked at */
export async function drift(): Promise<number> {
  const stack = given("WS_STACK");
  const { settings } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const found = [
    ...(await ofResources(stack)),
    ...(await Promise.all(settings.hosts.map((host) => ofHost(settings, host)))).flat(),
  ];
  if (found.length === 0) {
    say("No drift: everything is as the last deployment left it.");
    return 0;
  }
  await announce([`Drift of the stack ${stack}: the next deployment puts this right, unless it is meant:`, ...found]);
  return 1;
}

/** Reads every resource anew, and says which a deployment would change. The state stays as it is. */
async function ofResources(stack: string): Promise<readonly string[]> {
  const ran = await pulumi({ stack, folder: PROJECT }, ["preview", "--refresh", "--json"]);
  const text = ran.stdout.toString("utf8");
  if (ran.code !== 0 || !text.trimStart().startsWith("{"))
    throw new StepError(`The preview failed, so nothing is known of drift:\n${tail(errorsOf(text) || ran.stderr)}`);
  const { change } = differencesBetween({}, previewForm.parse(JSON.parse(text)));
  return change.map(({ op, type, name }) => `  ${type} ${name}: to ${op}`);
}

function errorsOf(text: string): string {
  if (!text.trimStart().startsWith("{")) return "";
  const { diagnostics } = previewForm.parse(JSON.parse(text));
  return (diagnostics ?? [])
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    .join("\n");
}

/** The host's own look at itself; what it would change is what drifted. */
async function ofHost(settings: StackSettings, host: Host): Promise<readonly string[]> {
  try {
    const argv = ["workstation", "reconcile", "--check"];
    const { code, stdout, stderr } = await onHost(settings, host, { argv, timeoutMs: HOST_LIMIT_MS });
    const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.replace(/^<\d>/, "").trim());
    const said = lines.filter((line) => line !== "" && line !== "nothing to change");
    if (code !== 0 && said.length === 0) return [`  ${host.name}: the check ended with exit code ${code}`];
    return said.map((line) => `  ${host.name}: ${line}`);
  } catch (cause) {
    if (!(cause instanceof HostUnreached)) throw cause;
    return [`  ${cause.message}`];
  }
}
