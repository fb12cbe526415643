/** Defines the options that name the stack, for every command that opens one. */

import { resolve } from "node:path";
import type { StackSelection } from "./pulumi.ts";

export const SELECTION_OPTIONS = { stack: { type: "string" }, "config-file": { type: "string" } } as const;

export const SELECTION_HELP = `  --stack NAME        the stack (default: the one that pulumi has selected)
  --config-file FILE  its configuration (default: Pulumi.NAME.yaml)`;

export function stackSelection(values: {
  readonly stack?: string | undefined;
  readonly "config-file"?: string | undefined;
}): StackSelection {
  const configFile = values["config-file"];
  return { stack: values.stack, configFile: configFile === undefined ? undefined : resolve(configFile) };
}
