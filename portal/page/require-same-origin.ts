/**
 * Refuses a request that changes something unless the portal's own page sent it, and not another page in the same
 * browser.
 */

import type { IncomingMessage } from "node:http";
import { isOfOwnPage } from "../../clients/http/browser-origin-headers.ts";

const FORMS = new Set(["application/x-www-form-urlencoded", "application/json"]);

export const foreignPage = (origin: string): string =>
  `This was not asked for by a page of ${origin}, so nothing was done. Try again there.`;

/** Undefined when it was; else the status and why not. */
export function refusedAsForeign(
  { headers, rawHeaders }: IncomingMessage,
  origin: string,
): { readonly status: 403 | 415; readonly why: string } | undefined {
  if (!isOfOwnPage(rawHeaders, (found) => found === origin)) return { status: 403, why: foreignPage(origin) };
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  return FORMS.has(type) ? undefined : { status: 415, why: "Only the page's own form, or JSON, is understood here." };
}
