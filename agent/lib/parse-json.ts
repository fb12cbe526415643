/** Parses JSON from outside and reports where it does not meet a schema. */

import type { z } from "zod";
import { Refusal } from "./errors.ts";

/** Undefined for text that is not JSON. */
export function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @throws Refusal that names the source and not its content. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Refusal(`${source} is not valid JSON`, { cause });
  }
}

/** Where a schema was not met, without the value that was found. */
export const describeIssues = (error: z.ZodError): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "the whole"}: ${issue.message}`)
    .join("; ");
