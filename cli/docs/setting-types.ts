/** Describes the form of a setting in words, from the JSON Schema that zod makes of it. */

import { z } from "zod";
import { rightForm } from "../../config/settings/problem-messages.ts";
import { codes } from "./markdown.ts";

/** The part of a JSON Schema that the settings use. */
export interface Setting {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Setting>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Setting;
  readonly items?: Setting;
  readonly minItems?: number;
  readonly oneOf?: readonly Setting[];
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  /** What the schema's own message says would be right. */
  readonly right?: string;
}

/** The settings of a schema as they are written, with what its messages call right. */
export const settingsOf = (schema: z.ZodType): Setting =>
  z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const right = zodSchema._zod.def.type === "string" ? rightOf(zodSchema) : undefined;
      if (right !== undefined) Object.assign(jsonSchema, { right });
    },
  }) as Setting;

/** `whole number, 1 to 65535`, `list of texts, at least one`: what may stand there. */
export function typeOf(setting: Setting): string {
  if (setting.enum !== undefined) return `one of ${codes(setting.enum)}`;
  if (setting.oneOf !== undefined) return setting.oneOf.map(choiceOf).join(" or ");
  switch (setting.type) {
    case "string":
      return textOf(setting);
    case "integer":
    case "number":
      return `${setting.type === "integer" ? "whole " : ""}number${rangeOf(setting)}`;
    case "boolean":
      return codes(["true", "false"]).replace(", ", " or ");
    case "array":
      return `list${setting.minItems === undefined ? "" : `, at least ${setting.minItems}`}; each: ${typeOf(setting.items ?? {})}`;
    case "object":
      return typeof setting.additionalProperties === "object"
        ? `keys of your own; each: ${typeOf(setting.additionalProperties)}`
        : "section";
    default:
      return "anything";
  }
}

/** No setting takes such a text, unless it takes any. */
const FITS_NOTHING = "\u0000";

function rightOf(schema: z.core.$ZodType): string | undefined {
  const { error } = z.safeParse(schema, FITS_NOTHING, { error: rightForm });
  const [, right] = error?.issues[0]?.message.split("must be ") ?? [];
  return right;
}

function textOf({ right, minLength, maxLength }: Setting): string {
  if (right !== undefined) return right;
  if (minLength !== undefined && minLength === maxLength) return `text of ${minLength} character`;
  if (minLength === undefined) return "text";
  return minLength === 1 ? "text, not empty" : `text of at least ${minLength} characters`;
}

function rangeOf({ minimum, maximum }: Setting): string {
  const upper = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum !== undefined && upper !== undefined) return `, ${minimum} to ${upper}`;
  return minimum === undefined ? "" : `, at least ${minimum}`;
}

const choiceOf = ({ properties = {} }: Setting): string =>
  `\`{ ${Object.entries(properties)
    .map(([key, value]) => `${key}: ${value.const ?? "…"}`)
    .join(", ")} }\``;
