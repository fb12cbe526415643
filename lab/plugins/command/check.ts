/** Checks inputs against a schema without ever repeating a value: a wrong property must not print the secrets beside it. */
import type { z } from "zod";
import type { Checked } from "../../../providers/runtime/provider.ts";
import { hasUnknown, revealMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";

/** All problems at once. Inputs that are not all known yet are checked in the update. */
export function checkWith(schema: z.ZodType, inputs: PropertyMap): Checked {
  if (hasUnknown(inputs)) return { inputs, failures: [] };
  const result = schema.safeParse(revealMap(inputs));
  if (result.success) return { inputs, failures: [] };
  const failures = result.error.issues.map(({ path, code, message }) => ({
    property: path.join("."),
    // Zod's texts name types and keys; only those about a value's format may quote it, and there are none here.
    reason: code === "custom" ? message : `${message} (at ${path.join(".") || "the top"})`,
  }));
  return { inputs, failures };
}
