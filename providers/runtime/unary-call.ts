/** Turns one remote call with one answer into a plain async function. */
import type { handleUnaryCall } from "@grpc/grpc-js";
import { toServiceError } from "./service-error.ts";
import type { Serving } from "./handler-context.ts";

/**
 * Turns `work` into what gRPC wants. Lines that were logged on the way arrive before the answer does: afterwards the
 * engine may be done with the resource.
 */
export function unary<Request, Response>(
  serving: Pick<Serving, "log" | "reportBug">,
  work: (request: Request) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, answer) => {
    work(call.request)
      .finally(() => serving.log.flushed())
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer(toServiceError(error, serving.reportBug)),
      );
  };
}
