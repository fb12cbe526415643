/** Parses the values of the configuration into checked settings with every default, or reports everything wrong. */

import type { z } from "zod";
import { Refusal } from "../refusal.ts";
import { stackSettings, type StackSettings } from "./stack-settings.ts";
import { pathText, rightForm, sentencesOf } from "./problem-messages.ts";
import { bare } from "./schema-at-path.ts";

/** Every key stands below this name in `Pulumi.<stack>.yaml`: the project's name. */
const NAMESPACE = "workstation";

/**
 * @param raw every configuration value by its full key (`workstation:hosts`), as text; other namespaces are ignored
 * @param file how the operator knows the place these came from
 * @param encrypted full keys whose values are encrypted: nothing of them stands in a message
 * @throws Refusal that lists every problem at once
 */
export function parseSettings(
  raw: Readonly<Record<string, string>>,
  file: string,
  encrypted: readonly string[] = [],
): StackSettings {
  const ours = Object.entries(raw)
    .filter(([key]) => key.startsWith(`${NAMESPACE}:`))
    .map(([key, text]) => [nameOf(key), isText(nameOf(key)) ? text : plainValue(text)] as const);
  // No prototype: a key of the configuration may be called anything.
  const settings: Record<string, unknown> = Object.assign(Object.create(null), Object.fromEntries(ours));
  const parsed = stackSettings.safeParse(settings, { error: rightForm });
  if (parsed.success) return parsed.data;
  const sentences = sentencesOf(parsed.error.issues, {
    schema: stackSettings,
    settings,
    encrypted: new Set(encrypted.map(nameOf)),
    at: (path) => `${file}: ${NAMESPACE}:${pathText(path)}`,
  });
  throw new Refusal(
    [
      "The configuration of this stack cannot be used; nothing was changed:",
      ...sentences.map((sentence) => `  ${sentence}`),
      `Fix it in ${file} or by \`pulumi config set\`. docs/configuration.md describes every setting and ` +
        "says where an example is.",
    ].join("\n"),
  );
}

const nameOf = (key: string): string => key.slice(NAMESPACE.length + 1);

/** Whether the setting is text whatever it looks like: a kubeconfig may be JSON. */
function isText(name: string): boolean {
  const schema = new Map<string, z.core.$ZodType>(Object.entries(stackSettings.shape)).get(name);
  return schema !== undefined && bare(schema)._zod.def.type === "string";
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
