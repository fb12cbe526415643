/** Describes the JSON of an exported state: every field that the engine writes, and no other one. */

import { z } from "zod";
import { parseJson } from "../../clients/parse-json.ts";
import { StepError } from "../environment.ts";

/** One property value as the engine serializes it; objects with a signature are special values. */
export type Value = null | boolean | number | string | readonly Value[] | Properties;
export interface Properties {
  readonly [key: string]: Value;
}

/** The key under which a special value names its kind. */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** The kinds that the engine reads back from a state. Any other signature is one that its import refuses. */
export const KIND = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  reference: "5cf8f73096256a8f31e491e813e4eb8e",
  /** Not a number, or an infinity: JSON has neither. */
  float: "8ad145fe-0d11-4827-bfd7-1abcbf086f5c",
} as const;

/** The text that stands for a value which is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const isObject = (value: unknown): value is Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// A schema of the values themselves would copy them, and a copy loses a key such as `__proto__`.
const properties = z.custom<Properties>(isObject, "is not an object");
const texts = z.array(z.string()).nullish();
const flag = z.boolean().optional();
const text = z.string().optional();

const resource = z.strictObject({
  ...{ urn: z.string().min(1), type: z.string().min(1), custom: z.boolean(), id: text, parent: text, provider: text },
  ...{ inputs: properties.optional(), outputs: properties.optional() },
  replacementTrigger: z.custom<Value>(() => true).optional(),
  ...{ delete: flag, protect: flag, taint: flag, external: flag, pendingReplacement: flag, retainOnDelete: flag },
  refreshBeforeUpdate: flag,
  ...{ dependencies: texts, aliases: texts, replaceWith: texts, deletedWith: text, viewOf: text, extensionRef: text },
  propertyDependencies: z.record(z.string(), texts).optional(),
  ...{ additionalSecretOutputs: texts, ignoreChanges: texts, replaceOnChanges: texts, hideDiff: texts },
  customTimeouts: z
    .strictObject({ create: z.number().optional(), update: z.number().optional(), delete: z.number().optional() })
    .optional(),
  resourceHooks: z.record(z.string(), texts).optional(),
  ...{ importID: text, initErrors: texts, created: text, modified: text, sourcePosition: text },
  stackTrace: z.array(z.strictObject({ sourcePosition: text })).nullish(),
});
export type Resource = z.output<typeof resource>;

const plugin = z.strictObject({ name: z.string(), path: z.string(), type: z.string(), version: z.string() });
const parameterization = z.strictObject({ name: z.string(), version: z.string(), value: z.string() });

const state = z.strictObject({
  version: z.union([z.literal(3), z.literal(4)]),
  features: z
    .array(
      z.enum([
        ...(["refreshBeforeUpdate", "views", "hooks", "taint", "replaceWith", "snippets-prototype"] as const),
        "extensionParameterization",
      ]),
    )
    .optional(),
  deployment: z.strictObject({
    manifest: z.strictObject({
      ...{ time: z.iso.datetime({ offset: true }), magic: z.string(), version: z.string() },
      plugins: z.array(plugin).optional(),
    }),
    secrets_providers: z.strictObject({ type: z.string(), state: z.unknown().optional() }).optional(),
    resources: z.array(resource).default([]),
    pending_operations: z.array(z.strictObject({ resource, type: z.string() })).optional(),
    metadata: z
      .strictObject({
        integrity_error: z
          .strictObject({ version: text, command: text, error: text, env_vars: z.unknown().optional() })
          .optional(),
      })
      .optional(),
    snippets: z
      .array(
        z.strictObject({
          ...{ uuid: z.string(), name: z.string(), type: z.string(), code: z.string() },
          descriptor: z.strictObject({
            ...{ name: z.string(), version: text, downloadURL: text },
            parameterization: parameterization.optional(),
          }),
          references: z.record(z.string(), z.string()).optional(),
        }),
      )
      .optional(),
    extensions: z.record(z.string(), parameterization).optional(),
  }),
});
export type State = z.output<typeof state>;

/**
 * @param exported text of `pulumi stack export`
 * @throws StepError that names the first field of another form, and none of its content
 */
export function readState(exported: string): State {
  const parsed = state.safeParse(parseJson(exported));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const keys = issue?.code === "unrecognized_keys" ? ` (unknown: ${issue.keys.join(", ")})` : "";
  throw new StepError(
    `The exported state has an unknown form at ${issue?.path.join(".") || "its top"}${keys}: nothing was published. ` +
      "The engine is newer than this program: extend ci/snapshot/state-schema.ts, or pin the engine to an older version.",
  );
}
