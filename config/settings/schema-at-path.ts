/** Looks up what the schema says about one setting: its description, the keys below it, whether it is secret. */

import { z } from "zod";

type Schema = z.core.$ZodType;

/** Every schema on the way from the top to a place, wrappers such as `.optional()` included; the last ones are the place's own. */
export function schemasAt(top: Schema, path: readonly PropertyKey[]): readonly Schema[] {
  const met = [...unwrapped(top)];
  for (const step of path) {
    const last = met.at(-1);
    const next = last === undefined ? undefined : below(last, step);
    if (next === undefined) return [];
    met.push(...unwrapped(next));
  }
  return met;
}

/** The schema itself, without default and the like. */
export const bare = (schema: Schema): Schema => unwrapped(schema).at(-1) ?? schema;

/** The keys that belong at a place; empty where it is no section. */
export function keysAt(top: Schema, path: readonly PropertyKey[]): readonly string[] {
  const own = schemasAt(top, path).at(-1);
  return own === undefined ? [] : Object.keys(shapeOf(own));
}

/** What the setting decides, in the words of its schema. */
export const descriptionAt = (top: Schema, path: readonly PropertyKey[]): string | undefined =>
  schemasAt(top, path)
    .map(descriptionOf)
    .findLast((text) => text !== undefined && text !== "");

/** Whether the place, or anything around it, is described as a secret: then its value stands in no message. */
export const isSecretAt = (top: Schema, path: readonly PropertyKey[]): boolean =>
  path.some((_, i) =>
    schemasAt(top, path.slice(0, i + 1)).some((schema) => descriptionOf(schema)?.startsWith(SECRET) === true),
  );

/** How the description of a secret begins. */
export const SECRET = "Secret:";

const descriptionOf = (schema: Schema): string | undefined => z.globalRegistry.get(schema)?.description;

function unwrapped(schema: Schema): readonly Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const isWrapper = def.type === "optional" || def.type === "default" || def.type === "prefault";
  return isWrapper ? [schema, ...unwrapped(def.innerType)] : [schema];
}

function below(schema: Schema, step: PropertyKey): Schema | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "array") return def.element;
  if (def.type === "record") return def.valueType;
  return new Map(Object.entries(shapeOf(schema))).get(String(step));
}

/** Of a choice between sections, the keys of all of them. */
function shapeOf(schema: Schema): Readonly<Record<string, Schema>> {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "object") return def.shape;
  if (def.type === "union") return Object.assign({}, ...def.options.map(shapeOf)) as Record<string, Schema>;
  return {};
}
