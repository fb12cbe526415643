/** Finds requests that two programs on their way could read differently: those are neither acted on nor passed on. */

import type { IncomingMessage } from "node:http";
import { comparableHeaderName } from "./header-name.ts";

export interface Ambiguity {
  readonly status: 400 | 431 | 501;
  readonly why: string;
}

/** More than any browser and ingress send together. */
const MAX_LINES = 100;
/** Each decides where a message ends, whom it is for or what it becomes, and stands once at most (RFC 9110, RFC 6455). */
const AT_MOST_ONCE: readonly string[] = [
  ...["content-length", "host", "transfer-encoding", "upgrade"],
  ...["sec-websocket-key", "sec-websocket-version"],
];

/** Undefined where every reader agrees. The server must not limit the count of headers, or node drops some in silence. */
export function ambiguityOf(
  request: Pick<IncomingMessage, "headers" | "httpVersion" | "rawHeaders" | "url">,
): Ambiguity | undefined {
  const names = request.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  if (names.length > MAX_LINES) return { status: 431, why: "The request has too many header lines." };
  // A proxy that is sent a whole address would have to take the host from it, and not from the Host header.
  if (request.url?.startsWith("/") !== true) return refused("does not ask for a path");
  // RFC 9112, section 3.2. Node itself looks for it in every request but an upgrade.
  if (request.httpVersion !== "1.0" && !names.includes("host")) return refused("has no host header");
  for (const name of AT_MOST_ONCE) {
    const alike = names.filter((found) => comparableHeaderName(found) === name);
    if (alike.length > 1) return refused(`has more than one ${name} header`);
    if (alike.some((found) => found !== name)) return refused(`has a header that looks like ${name}`);
  }
  const coding = request.headers["transfer-encoding"];
  if (coding === undefined) return undefined;
  // RFC 9112, section 6.1.
  if (request.httpVersion === "1.0") return refused("is of HTTP/1.0 and has a transfer coding");
  if (request.headers["content-length"] !== undefined) return refused("has both a length and a transfer coding");
  return coding.toLowerCase() === "chunked"
    ? undefined
    : { status: 501, why: "The request has an unknown transfer coding." };
}

const refused = (what: string): Ambiguity => ({ status: 400, why: `The request ${what}.` });
