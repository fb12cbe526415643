/** Defines the error of every client: one sentence for the operator that repeats no secret. */

/** A request that failed, or an answer that cannot be used; it is never taken for an absence. */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
}
