/** The stack's configuration: the one schema of every setting, with defaults, and the only reader of it. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { Refusal } from "./refusal.ts";
import { stackSettings, type StackSettings } from "./settings/index.ts";

/** Every key stands below this name in `Pulumi.<stack>.yaml`. */
const NAMESPACE = "workstation";

/** Reads the running stack's configuration. @throws Refusal that lists every problem of it at once */
export const readConfig = (): StackSettings =>
  parseSettings(pulumi.runtime.allConfig(), `Pulumi.${pulumi.getStack()}.yaml`);

/**
 * @param raw every configuration value by its full key (`workstation:hosts`), as text; other namespaces are ignored
 * @param file how the operator knows the place these came from
 * @throws Refusal that lists every problem at once
 */
export function parseSettings(raw: Readonly<Record<string, string>>, file: string): StackSettings {
  const ours = Object.entries(raw)
    .filter(([key]) => key.startsWith(`${NAMESPACE}:`))
    .map(([key, text]) => {
      const name = key.slice(NAMESPACE.length + 1);
      return [name, isText(name) ? text : plainValue(text)] as const;
    });
  const parsed = stackSettings.safeParse(Object.fromEntries(ours), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new Refusal(
    [
      `The configuration of this stack cannot be used; nothing was changed:`,
      ...parsed.error.issues.flatMap((issue) => sentences(issue, file)),
      "docs/configuration.md describes every setting; Pulumi.prod.yaml is a complete example.",
    ].join("\n"),
  );
}

/** Whether the setting is text whatever it looks like: a kubeconfig may be JSON. */
function isText(name: string): boolean {
  let schema: z.core.$ZodType | undefined = Object.entries(stackSettings.shape).find(([key]) => key === name)?.[1];
  while (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) schema = schema.def.innerType;
  return schema instanceof z.ZodString;
}

/** The engine hands over objects, lists, numbers and booleans as JSON and strings as they are. */
function plainValue(text: string): unknown {
  if (!/^(\[|\{|true$|false$|-?\d+$)/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return text; // a string that merely looks like JSON
    throw cause;
  }
}

/** One line a problem: where, what was found, what would be right. Values are never repeated: some are secret. */
function sentences(issue: z.core.$ZodIssue, file: string): string[] {
  const at = (path: readonly PropertyKey[]) => `  ${file}: ${NAMESPACE}:${pathOf(path)}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map(
      (key) => `${at([...issue.path, key])}: is no setting of this program; remove it or mend its name`,
    );
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return [`${at(issue.path)}: is missing; it must be ${issue.expected}`];
  }
  return [`${at(issue.path)}: ${issue.message}`];
}

const pathOf = (path: readonly PropertyKey[]) =>
  path.map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${String(step)}`)).join("");
