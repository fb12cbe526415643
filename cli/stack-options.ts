/** Defines the options with which a command works without a stack's configuration. */

import type { HostName, Policy } from "../roster/model.ts";
import { DEFAULT_POLICY } from "../roster/policy-defaults.ts";
import { HOST } from "../roster/schema/patterns.ts";
import { UsageError } from "./command.ts";

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
