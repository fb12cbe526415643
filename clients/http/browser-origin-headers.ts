/** Judges by a request's headers whether a page of the server's own origin made it: other pages share the browser's sign-in. */

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** A web-socket handshake is a GET, and needs the same check: nothing else keeps another page from opening one. */
export const isSafeMethod = (method: string | undefined): boolean => SAFE_METHODS.has(method ?? "");

/**
 * Every browser sends `Origin` with a handshake and with a request that may change something, and `Sec-Fetch-Site` to a
 * secure origin; no page can forge either. `Origin: null` tells nothing, so the other header has to.
 *
 * @param rawHeaders as node gives them, names and values in turn
 * @param isOwn whether an origin (`https://host:port`) is the server's own
 */
export function isOfOwnPage(rawHeaders: readonly string[], isOwn: (origin: string) => boolean): boolean {
  const origins = valuesOf(rawHeaders, "origin");
  const sites = valuesOf(rawHeaders, "sec-fetch-site");
  if (origins.length > 1 || sites.length > 1) return false;
  const [[origin = "null"], [site]] = [origins, sites];
  if (site !== undefined && site !== "same-origin") return false;
  return origin === "null" ? site !== undefined : isOwn(origin);
}

/**
 * Whether another page fetched it, in a frame or as a part of itself, and no person went there. The browser says so only to a
 * secure origin.
 */
export function isOfForeignPage(rawHeaders: readonly string[]): boolean {
  const sites = valuesOf(rawHeaders, "sec-fetch-site");
  if (sites.every((site) => site === "same-origin" || site === "none")) return false;
  const [modes, targets] = [valuesOf(rawHeaders, "sec-fetch-mode"), valuesOf(rawHeaders, "sec-fetch-dest")];
  return !(modes.join() === "navigate" && targets.join() === "document");
}

const valuesOf = (rawHeaders: readonly string[], name: string): readonly string[] =>
  rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
