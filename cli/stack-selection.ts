/** Defines the options that name the stack, for every command that opens one. */

import { basename, dirname, join, resolve } from "node:path";
import type { StackSelection } from "./pulumi.ts";

export const SELECTION_OPTIONS = { stack: { type: "string" }, "config-file": { type: "string" } } as const;

export const SELECTION_HELP = `  --stack NAME        the stack (default: the one that pulumi has selected)
  --config-file FILE  its configuration (default: Pulumi.NAME.yaml, or the lab's after \`make env\`)`;

/** The stack that the options name; in a shell with the lab's engine (`make env`), the lab's stack and its configuration. */
export function stackSelection(
  values: { readonly stack?: string | undefined; readonly "config-file"?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): StackSelection {
  const configFile = values["config-file"];
  if (configFile !== undefined) return { stack: values.stack, configFile: resolve(configFile) };
  const lab = labSelection(env);
  const isLab = lab !== undefined && (values.stack ?? lab.stack) === lab.stack;
  return isLab ? lab : { stack: values.stack, configFile: undefined };
}

/** `make env` names the configuration and the state that belong together; a shell that has another state by now is not the lab's. */
function labSelection({ WS_LAB_CONFIG: configFile, PULUMI_BACKEND_URL: backend }: NodeJS.ProcessEnv) {
  if (configFile === undefined || backend !== `file://${join(dirname(configFile), "state")}`) return undefined;
  return { stack: basename(configFile).replace(/^Pulumi\.|\.yaml$/g, ""), configFile };
}
