/** Reads the identity of a request from the forward-auth header: exactly one header of exactly that name, or none. */

import { soleHeader } from "../sole-header.ts";

/** The one header that tells who has signed in. */
export const IDENTITY_HEADER = "x-authentik-username";

export type Identity = { readonly name: string } | { readonly refused: string };

/** @param rawHeaders as node gives them, names and values in turn */
export function identityOf(rawHeaders: readonly string[]): Identity {
  const found = soleHeader(rawHeaders, IDENTITY_HEADER);
  if ("refused" in found) return { refused: REASONS[found.refused] };
  return found.value === "" ? { refused: REASONS.missing } : { name: found.value };
}

const REASONS = {
  missing: "nobody has signed in",
  repeated: "the identity header is repeated",
  "look-alike": "a header looks like the identity header and is not it",
} as const;
