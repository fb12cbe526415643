/** Defines the errors of a provider: failures that the operator reads as they stand, and half-done creations. */
import { status } from "@grpc/grpc-js";
import type { PropertyMap } from "./property-values.ts";

/** A failure with a sentence for the operator; it reaches them without a stack. Anything else thrown is a bug. */
export class ProviderError extends Error {
  /** A gRPC status code, {@link status}. */
  readonly code: status;
  constructor(message: string, options: { readonly code?: status; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "ProviderError";
    this.code = options.code ?? status.UNKNOWN;
  }
}

/** The object exists, but is not as it should be: it goes into the state, and the next update tries again. */
export class PartialFailure extends ProviderError {
  readonly id: string;
  readonly state: PropertyMap;
  /** The inputs to store; the ones of the request where absent. */
  readonly inputs: PropertyMap | undefined;
  /** Why, one sentence each. */
  readonly reasons: readonly string[];
  constructor(failure: {
    readonly id: string;
    readonly state: PropertyMap;
    readonly inputs?: PropertyMap;
    readonly reasons: readonly string[];
  }) {
    super(failure.reasons.join("; "));
    this.name = "PartialFailure";
    this.id = failure.id;
    this.state = failure.state;
    this.inputs = failure.inputs;
    this.reasons = failure.reasons;
  }
}

/** A request that this provider does not serve, with the way out. */
export const unsupported = (message: string): ProviderError =>
  new ProviderError(message, { code: status.UNIMPLEMENTED });
