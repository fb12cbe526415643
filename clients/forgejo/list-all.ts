/** Reads a whole listing page by page to the empty one; a part of it is an error. */

import { z } from "zod";
import { type Forge, ForgeError, type ForgeRequest } from "./client.ts";

/**
 * Everything of a paged listing. A listing that comes out shorter than the forge's own count, or that repeats itself,
 * is an error: what is missing from it must never look absent.
 * @param keyOf what tells two entries apart
 */
export async function listAll<T>(
  forge: Forge,
  forgeRequest: ForgeRequest,
  item: z.ZodType<T>,
  keyOf: (entry: T) => string | number,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const found = new Map<string | number, T>();
  let promised = 0;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const query = { ...forgeRequest.query, page: String(page), limit: PAGE_SIZE };
    const { items, total = 0 } = await forge.page({ ...forgeRequest, query }, z.array(item), signal);
    promised = Math.max(promised, total);
    for (const entry of items) {
      if (found.has(keyOf(entry))) throw cut(forgeRequest, `page ${page} repeats an entry of an earlier one`);
      found.set(keyOf(entry), entry);
    }
    if (items.length > 0) continue;
    if (found.size < promised) throw cut(forgeRequest, `${found.size} of ${promised} entries came`);
    return [...found.values()];
  }
  throw cut(forgeRequest, `it does not end after ${MAX_PAGES} pages`);
}

/** The forge may give fewer a page, so a short page is not the last one. */
const PAGE_SIZE = "50";
const MAX_PAGES = 1000;

const cut = (forgeRequest: ForgeRequest, what: string) =>
  new ForgeError(
    `cannot ${forgeRequest.purpose}: the listing is not whole (${what}); nothing is concluded from it, try again`,
  );
