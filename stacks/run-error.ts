/** Makes the error that ends a run with one sentence to the operator. */

import * as pulumi from "@pulumi/pulumi";

/** Its stack is left out: the SDK would spend a minute on printing what it then does not show. */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}
