/** Reads the identity of a request from the forward-auth header: exactly one header of exactly that name, or none. */

import { comparableHeaderName } from "../../clients/http/header-name.ts";

/** The one header that tells who has signed in. */
export const IDENTITY_HEADER = "x-authentik-username";

export type Identity = { readonly name: string } | { readonly refused: string };

/**
 * `rawHeaders` as node gives them, names and values in turn. Programs behind a proxy may take `_` for `-`, so a name that
 * would then be this one is somebody's try, and refuses the request.
 */
export function identityOf(rawHeaders: readonly string[]): Identity {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  if (names.some((name) => name !== IDENTITY_HEADER && comparableHeaderName(name) === IDENTITY_HEADER))
    return { refused: "a header looks like the one of the sign-in and is none" };
  const at = names.indexOf(IDENTITY_HEADER);
  if (at === -1) return { refused: "nobody has signed in" };
  if (names.lastIndexOf(IDENTITY_HEADER) !== at) return { refused: "the sign-in is told twice" };
  const name = rawHeaders[2 * at + 1] ?? "";
  return name === "" ? { refused: "nobody has signed in" } : { name };
}
