/**
 * Runs the step `drift`: reports what is no longer as the last deployment left it, on every surface. It runs the deployed
 * commit's program and changes nothing.
 */

import { PROJECT } from "../cli/pulumi.ts";
import { type Host, type HostAnswer, HostUnreached, onHost } from "../clients/ssh/run-command.ts";
import { readHostCheck } from "../cli/read-host-check.ts";
import { openStack } from "../cli/stack/open-stack.ts";
import type { HostCheck } from "../agent/shared/host-check.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";
import { announce } from "./chat.ts";
import { BUSY, findRedelivery } from "./deliveries.ts";
import { type StackAt, stackOfPipeline } from "./engine.ts";
import { requiredVariable, StepError } from "./environment.ts";
import { newestDeployment } from "./deployed-commit.ts";
import type { Touched } from "./pull-request/preview-differences.ts";
import { previewRefreshed } from "./preview-drift.ts";
import { log } from "./log.ts";

/** Longer than an agent waits for another run of it. */
const HOST_LIMIT_MS = 1_000_000;

/** Lines of the report. */
export interface DriftFound {
  /** Makes the run end with 1. */
  readonly drift: readonly string[];
  /** Comes about by itself: by the daily deployment, or on a host within the hour. */
  readonly due: readonly string[];
  /** What no run changes. */
  readonly warnings: readonly string[];
  /** Hosts that were busy all the time. */
  readonly unseen: readonly string[];
}

/** @returns 1 where something was changed by hand, or could not be looked at; a host that was busy is announced */
export async function drift(): Promise<number> {
  const stack = requiredVariable("WS_STACK");
  const { settings } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const at = { stack, folder: PROJECT };
  const resources = await whileNothingIsDeployed(at, () => previewRefreshed(at));
  const hosts = await Promise.all(settings.hosts.map((host) => ofHost(settings, host)));
  const { hosts: older } = await findRedelivery();
  const found = driftFound(resources, [...hosts, ...older.map(({ host, difference }) => olderHost(host, difference))]);
  for (const line of reportOf(stack, found)) log(line);
  if (found.unseen.length > 0) await announce([`${NOT_SEEN} (stack ${stack})`, ...found.unseen]);
  if (found.drift.length === 0) return 0;
  await announce([
    `Drift of the stack ${stack}. The daily deployment restores the cluster, Vault and the forge; each host's hourly run restores the host:`,
    ...found.drift,
  ]);
  return 1;
}

/**
 * A deployment that ends between two previews would look like a change by hand.
 * @throws StepError where each of some looks met a deployment
 */
export async function whileNothingIsDeployed<T>(at: StackAt, look: () => Promise<T>): Promise<T> {
  for (let tries = 1; tries <= LOOKS; tries += 1) {
    const before = await newestDeployment(at);
    const found = await look();
    if ((await newestDeployment(at)) === before) return found;
    log("A deployment began or ended meanwhile: looking again.");
  }
  throw new StepError(
    `Deployments began or ended during each of ${LOOKS} looks for drift; the next night looks again.`,
  );
}
const LOOKS = 5;

const NOT_SEEN = "Not looked at for drift; the next night looks again:";

/** Exported for the tests. @param hosts one report each */
export function driftFound(
  resources: { readonly drift: readonly Touched[]; readonly due: readonly Touched[] },
  hosts: readonly DriftFound[],
): DriftFound {
  const lines = (touched: readonly Touched[]) => touched.map(({ op, type, name }) => `  ${type} ${name}: to ${op}`);
  return {
    drift: [...lines(resources.drift), ...hosts.flatMap((host) => host.drift)],
    due: [...lines(resources.due), ...hosts.flatMap((host) => host.due)],
    warnings: hosts.flatMap((host) => host.warnings),
    unseen: hosts.flatMap((host) => host.unseen),
  };
}

function reportOf(stack: string, { drift: changed, due, warnings, unseen }: DriftFound): readonly string[] {
  const part = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);
  return [
    ...(changed.length + unseen.length === 0
      ? [`No drift of the stack ${stack}: everything is as the last deployment left it.`]
      : []),
    ...part("Due, and brought about by the daily deployment or a host's hourly run:", due),
    ...part("Warnings, which no run acts on:", warnings),
    ...part(NOT_SEEN, unseen),
  ];
}

async function ofHost(settings: StackSettings, host: Host): Promise<DriftFound> {
  try {
    const argv = ["workstation", "reconcile", "--check", "--json"];
    return answerDrift(host.name, await onHost(settings, host, { argv, timeoutMs: HOST_LIMIT_MS }));
  } catch (cause) {
    if (!(cause instanceof HostUnreached)) throw cause;
    return { ...NOTHING, drift: [`  ${cause.message}`] };
  }
}

/** A host that was restored from an image of before the last delivery is as that image says, and finds no fault with itself. */
const olderHost = (host: string, difference = ""): DriftFound => ({ ...NOTHING, drift: [`  ${host}: ${difference}`] });

const NOTHING: DriftFound = { drift: [], due: [], warnings: [], unseen: [] };

/** Exported for the tests. A host that is busy is asked again the next night; one that cannot answer makes the run red. */
export function answerDrift(host: string, { code, stdout, stderr }: HostAnswer): DriftFound {
  if (code === BUSY) return { ...NOTHING, unseen: [`  ${host}: another run of its agent did not end in time`] };
  const check = code === 0 ? readHostCheck(stdout) : undefined;
  if (check !== undefined) return hostDrift(host, check);
  const lastLine = stderr.trim().split("\n").at(-1) ?? "";
  return { ...NOTHING, drift: [`  ${host}: cannot be checked (exit code ${code}): ${lastLine}`] };
}

/** Exported for the tests. */
export function hostDrift(host: string, { changes, due, failures, warnings }: HostCheck): DriftFound {
  const lines = (entries: HostCheck["changes"]) => entries.map(({ who, what }) => `  ${host}: ${who}: ${what}`);
  return { ...NOTHING, drift: lines([...changes, ...failures]), due: lines(due), warnings: lines(warnings) };
}
