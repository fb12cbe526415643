/**
 * Converts errors to the form of gRPC: a code, a plain message, and the state of a half-done creation in the details.
 */
import { Metadata, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import anyPb from "google-protobuf/google/protobuf/any_pb.js";
import { ClientError } from "../../clients/client-error.ts";
import { PartialFailure, ProviderError } from "./errors.ts";
import { encode } from "./encode-properties.ts";

/**
 * The error to answer a call with. `reportBug` gets the stack of whatever is neither a {@link ProviderError} nor a
 * {@link ClientError}: an operator's mistake shows a sentence, a bug of ours keeps its trace.
 */
export function toServiceError(error: unknown, reportBug: (stack: string) => void): ServiceError {
  if (error instanceof PartialFailure) return serviceError(status.UNKNOWN, error.message, partialDetails(error));
  if (error instanceof ProviderError) return serviceError(error.code, error.message, new Metadata());
  if (error instanceof ClientError) return serviceError(status.UNKNOWN, error.message, new Metadata());
  const bug = error instanceof Error ? error : new Error(String(error));
  reportBug(bug.stack ?? bug.message);
  return serviceError(status.INTERNAL, `this is a bug of the provider: ${bug.message}`, new Metadata());
}

function serviceError(code: status, message: string, metadata: Metadata): ServiceError {
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function partialDetails(failure: PartialFailure): Metadata {
  const detail = new providerPb.ErrorResourceInitFailed();
  detail.setId(failure.id);
  detail.setProperties(encode(failure.state));
  detail.setReasonsList([...failure.reasons]);
  if (failure.inputs !== undefined) detail.setInputs(encode(failure.inputs));
  const packed = new anyPb.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const rich = new statusPb.Status();
  rich.setCode(status.UNKNOWN);
  rich.setMessage(failure.message);
  rich.setDetailsList([packed]);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(rich.serializeBinary()));
  return metadata;
}
