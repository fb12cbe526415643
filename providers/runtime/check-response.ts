/** Builds the answer to a check of a resource's or the provider's own inputs. */
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import type { Checked } from "./provider.ts";
import { encode } from "./encode-properties.ts";

/** The checked inputs and every failure at once, as the protocol wants them. */
export function checkResponse(checked: Checked): providerPb.CheckResponse {
  const answer = new providerPb.CheckResponse();
  answer.setInputs(encode(checked.inputs));
  for (const failure of checked.failures) {
    const entry = new providerPb.CheckFailure();
    entry.setProperty(failure.property);
    entry.setReason(failure.reason);
    answer.addFailures(entry);
  }
  return answer;
}
