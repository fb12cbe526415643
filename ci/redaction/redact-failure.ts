/** Redacts the secrets from a failure before a log, a journal or a chat shows it. */

import { PulumiError } from "../../cli/pulumi.ts";
import { ClientError } from "../../clients/client-error.ts";
import { Refusal } from "../../config/refusal.ts";
import { StepError } from "../environment.ts";
import { redactLines } from "../log.ts";

/** Whether the message alone says what an operator has to do; every other failure is a fault of the program. */
export const isForOperators = (cause: unknown): cause is Error =>
  [StepError, ClientError, PulumiError, Refusal].some((kind) => cause instanceof kind);

/**
 * The same failure without the secrets. A failure of the program keeps its stack trace and loses its other fields, which
 * the runtime would print as they are.
 * @param secrets what must not be shown
 */
export function redactFailure(cause: unknown, secrets: readonly string[]): Error {
  const { message, stack = "" } = cause instanceof Error ? cause : new Error(String(cause));
  const text = redactLines(message, secrets);
  if (isForOperators(cause)) return new StepError(text);
  const failure = new Error(text);
  failure.stack = redactLines(stack, secrets);
  return failure;
}
