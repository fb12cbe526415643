/** Leaves out the stack traces that the SDK takes of every promise and resource. */

/**
 * The SDK makes an error without a message for each of them and keeps the lines of its trace, in the state too. To look
 * them up in the source map costs a fifth of a large run, and nobody reads them. The trace of a bug, which has a message, stays.
 */
export function leaveOutTracesOfSdk(): void {
  const prepare = Error.prepareStackTrace;
  if (prepare === undefined || process.env.PULUMI_DEBUG_PROMISE_LEAKS !== undefined) return;
  Error.prepareStackTrace = (error, sites) => (error.message === "" ? String(error) : prepare(error, sites));
}
