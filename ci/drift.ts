/**
 * Runs the step `drift`: reports what is no longer as the last deployment left it, on every surface. It runs the deployed
 * commit's program and changes nothing.
 */

import { PROJECT } from "../cli/pulumi.ts";
import { type Host, HostUnreached, onHost } from "../clients/ssh/run-command.ts";
import { readHostCheck } from "../cli/read-host-check.ts";
import { openStack } from "../cli/stack/open-stack.ts";
import type { HostCheck } from "../agent/shared/host-check.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";
import { announce } from "./chat.ts";
import { stackOfPipeline } from "./engine.ts";
import { requiredVariable } from "./environment.ts";
import type { Touched } from "./pull-request/preview-differences.ts";
import { previewRefreshed } from "./refreshed-preview.ts";
import { log } from "./log.ts";

const HOST_LIMIT_MS = 300_000;

/** Lines of the report. */
export interface DriftFound {
  /** Makes the run end with 1. */
  readonly drift: readonly string[];
  /** Comes about by itself: by the daily deployment, or on a host within the hour. */
  readonly due: readonly string[];
  /** What no run changes. */
  readonly warnings: readonly string[];
}

/** @returns 1 where something was changed by hand, or could not be looked at */
export async function drift(): Promise<number> {
  const stack = requiredVariable("WS_STACK");
  const { settings } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const resources = await previewRefreshed({ stack, folder: PROJECT });
  const hosts = await Promise.all(settings.hosts.map((host) => ofHost(settings, host)));
  const found = driftFound(resources, hosts);
  for (const line of reportOf(stack, found)) log(line);
  if (found.drift.length === 0) return 0;
  await announce([
    `Drift of the stack ${stack}. The daily deployment restores the cluster, Vault and the forge; each host's hourly run restores the host:`,
    ...found.drift,
  ]);
  return 1;
}

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
  };
}

function reportOf(stack: string, { drift: changed, due, warnings }: DriftFound): readonly string[] {
  const part = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);
  return [
    ...(changed.length === 0 ? [`No drift of the stack ${stack}: everything is as the last deployment left it.`] : []),
    ...part("Due, and brought about by the daily deployment or a host's hourly run:", due),
    ...part("Warnings, which no run acts on:", warnings),
  ];
}

async function ofHost(settings: StackSettings, host: Host): Promise<DriftFound> {
  const unknown = (why: string): DriftFound => ({ drift: [`  ${host.name}: ${why}`], due: [], warnings: [] });
  try {
    const argv = ["workstation", "reconcile", "--check", "--json"];
    const { code, stdout, stderr } = await onHost(settings, host, { argv, timeoutMs: HOST_LIMIT_MS });
    const check = code === 0 ? readHostCheck(stdout) : undefined;
    if (check !== undefined) return hostDrift(host.name, check);
    return unknown(`cannot be checked (exit code ${code}): ${stderr.trim().split("\n").at(-1) ?? ""}`);
  } catch (cause) {
    if (!(cause instanceof HostUnreached)) throw cause;
    return unknown(cause.message.replace(`${host.name}: `, ""));
  }
}

/** Exported for the tests. */
export function hostDrift(host: string, { changes, due, failures, warnings }: HostCheck): DriftFound {
  const lines = (entries: HostCheck["changes"]) => entries.map(({ who, what }) => `  ${host}: ${who}: ${what}`);
  return { drift: lines([...changes, ...failures]), due: lines(due), warnings: lines(warnings) };
}
