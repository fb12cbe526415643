/**
 * Refuses a request that changes something unless the portal's own page sent it, and not another page in the same
 * browser.
 */

import type { IncomingHttpHeaders } from "node:http";

const FORMS = new Set(["application/x-www-form-urlencoded", "application/json"]);

/**
 * Undefined when it was; else the status and why not. Every browser tells the origin of a POST; whatever tells none, or
 * a foreign one, is refused.
 */
export function refusedAsForeign(
  headers: IncomingHttpHeaders,
  origin: string,
): { readonly status: 403 | 415; readonly why: string } | undefined {
  if (headers.origin !== origin)
    return { status: 403, why: `This was not asked for on ${origin}. Open the page there and try again.` };
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin")
    return { status: 403, why: "Another page asked for this in your name. Nothing was done." };
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  return FORMS.has(type) ? undefined : { status: 415, why: "Only the page's own form, or JSON, is understood here." };
}
