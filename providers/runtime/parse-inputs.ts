/**
 * Parses inputs, stored states and configuration into plain values: one zod form each, every problem with its field.
 */

import type { z } from "zod";
import { ProviderError } from "./errors.ts";
import type { Checked } from "./provider.ts";
import type { Parsed } from "./typed-resource.ts";
import { hasUnknown, type PropertyMap, revealMap } from "./property-values.ts";

/** Parses what the program asks for. */
export const parseInputs =
  <Want>(form: z.ZodType<Want>) =>
  (inputs: PropertyMap): Parsed<Want> => {
    const { __defaults: _, ...given } = inputs;
    const parsed = form.safeParse(given);
    if (parsed.success) return { ok: true, want: parsed.data };
    const failures = parsed.error.issues.map((issue) => ({ property: issue.path.join("."), reason: issue.message }));
    return { ok: false, failures };
  };

/** Parses what the state remembers. Its values are never repeated: one of them may be a token. */
export const parseState =
  <Have>(form: z.ZodType<Have>) =>
  (state: PropertyMap): Have => {
    const parsed = form.safeParse(state);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new ProviderError(`the stored state of this resource is not of the expected form (at: ${where})`);
  };

/** A provider's own configuration, as far as it is known yet. */
export interface ConfigReader<Config> {
  check(inputs: PropertyMap): Checked;
  /** Undefined while a preview does not know all of it. @throws ProviderError that names every bad field */
  read(args: PropertyMap): Config | undefined;
}

/** The engine adds fields of its own (`version`, …) to a configuration, so only the form's own fields are looked at. */
export function configReader<Shape extends z.ZodRawShape>(
  form: z.ZodObject<Shape>,
): ConfigReader<z.output<z.ZodObject<Shape>>> {
  const parse = (args: PropertyMap) => {
    const own = Object.entries(revealMap(args)).filter(([name]) => Object.hasOwn(form.shape, name));
    return parseInputs(form)(Object.fromEntries(own));
  };
  return {
    check: (inputs) => {
      const parsed = hasUnknown(inputs) ? undefined : parse(inputs);
      return { inputs, failures: parsed?.ok === false ? parsed.failures : [] };
    },
    read: (args) => {
      if (hasUnknown(args)) return undefined;
      const parsed = parse(args);
      if (parsed.ok) return parsed.want;
      throw new ProviderError(parsed.failures.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
    },
  };
}
