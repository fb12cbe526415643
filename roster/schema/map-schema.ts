/** Reads a JSON object whose keys come from outside into a `Map`, so that no key is lost or found on the prototype. */

import { z } from "zod";

/**
 * An object of JSON as a `Map`. `z.record` drops an entry that is named `__proto__`, which is a valid name of an
 * account, and a lookup in an object finds `constructor` where no such entry exists.
 */
export const mapOf = <Value extends z.ZodType>(value: Value) =>
  z
    .custom<object>((found) => typeof found === "object" && found !== null && !Array.isArray(found), "expected a map")
    .transform((found, context): ReadonlyMap<string, z.output<Value>> => {
      const entries = new Map<string, z.output<Value>>();
      for (const [key, item] of Object.entries(found)) {
        const checked = value.safeParse(item);
        if (checked.success) entries.set(key, checked.data);
        for (const { path, message } of checked.error?.issues ?? [])
          context.addIssue({ code: "custom", path: [key, ...path], message });
      }
      return entries;
    });
