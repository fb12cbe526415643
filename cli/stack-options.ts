/** Defines the options with which a command works without a stack's configuration or names its stack. */

import { resolve } from "node:path";
import type { HostName, Policy } from "../roster/model.ts";
import { DEFAULT_POLICY } from "../roster/policy.ts";
import { HOST } from "../roster/schema/patterns.ts";
import { UsageError } from "./command.ts";
import type { StackPlace } from "./pulumi.ts";

export const STACK_OPTIONS = { host: { type: "string", multiple: true } } as const;

export const STACK_HELP =
  "  --host NAME         a host of the stack, the first is the default; may be repeated (default: devvm)";

/** The default policy, with the hosts that were named. */
export function policyOf(values: { readonly host?: string[] | undefined }): Policy {
  if (values.host === undefined) return DEFAULT_POLICY;
  for (const host of values.host) {
    if (!HOST.pattern.test(host)) throw new UsageError(`"${host}" is not a valid host name`);
  }
  return { ...DEFAULT_POLICY, hosts: [...new Set(values.host)] as HostName[] };
}

/** Where a command finds its stack. */
export const PLACE_OPTIONS = { stack: { type: "string" }, "config-file": { type: "string" } } as const;

export const PLACE_HELP = `  --stack NAME        the stack (default: the one that pulumi has selected)
  --config-file FILE  its configuration (default: Pulumi.NAME.yaml)`;

export const placeIn = (values: {
  readonly stack?: string | undefined;
  readonly "config-file"?: string | undefined;
}): StackPlace => {
  const configFile = values["config-file"];
  return { stack: values.stack, configFile: configFile === undefined ? undefined : resolve(configFile) };
};
