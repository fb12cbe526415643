/** Makes the error that ends a run with one sentence to the operator. */

import * as pulumi from "@pulumi/pulumi";

/**
 * Its stack is left out: the SDK would spend a minute on printing what it then does not show. The sentence stays as it is: the
 * SDK puts words of its own before it where an input of a resource fails.
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return Object.defineProperty(error, "message", { get: () => message, set: () => undefined });
}
