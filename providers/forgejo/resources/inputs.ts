/** How inputs and stored states become plain values: one zod form each, every problem reported with its field. */

import type { z } from "zod";
import { ProviderError } from "../../runtime/errors.ts";
import type { Parsed } from "../../runtime/typed.ts";
import type { PropertyMap } from "../../runtime/values.ts";

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
export const rememberAs =
  <Have>(form: z.ZodType<Have>) =>
  (state: PropertyMap): Have => {
    const parsed = form.safeParse(state);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new ProviderError(`the stored state of this resource is not of the expected form (at: ${where})`);
  };
