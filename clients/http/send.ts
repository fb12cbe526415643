/** One HTTP exchange, the only way out of our providers: a deadline, a size limit, no redirect followed, no proxy guessed. */

import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the authority that the server's certificate must come from; the machine's own list where absent. */
  readonly ca?: string;
  /** For the whole exchange, from the first packet to the last. */
  readonly timeoutMs: number;
  /** Calls the exchange off. */
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** An exchange without a whole answer. Its message names no secret: neither header nor body is repeated. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  /** False only when the request certainly never reached the server. */
  readonly mayHaveArrived: boolean;
  constructor(message: string, mayHaveArrived: boolean, cause?: unknown) {
    super(message, { cause });
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** @throws HttpFailure when no whole answer came; whatever the server answers, errors included, is returned */
export function send(ask: HttpRequest): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(ask.timeoutMs);
    const fail = (cause: Error & { readonly code?: string }) => reject(failure(cause, deadline, ask));
    const open = ask.url.protocol === "https:" ? overHttps : overHttp;
    const options = {
      method: ask.method,
      headers: { ...ask.headers, "content-length": String(Buffer.byteLength(ask.body ?? "")) },
      signal: AbortSignal.any([ask.signal, deadline]),
      agent: false,
      ...(ask.ca === undefined ? {} : { ca: ask.ca }),
    };
    const outgoing = open(ask.url, options, (incoming) => {
      const parts: Buffer[] = [];
      let size = 0;
      incoming.on("data", (part: Buffer) => {
        size += part.length;
        if (size > MAX_BYTES) incoming.destroy(new Error(`its answer is longer than ${MAX_BYTES / 2 ** 20} MiB`));
        else parts.push(part);
      });
      incoming.on("error", fail);
      incoming.on("end", () => {
        const headers = new Map(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
        resolve({ status: incoming.statusCode ?? 0, headers, text: Buffer.concat(parts).toString("utf8") });
      });
    });
    outgoing.on("error", fail);
    outgoing.end(ask.body);
  });
}

const MAX_BYTES = 16 * 2 ** 20;

function failure(cause: Error & { readonly code?: string }, deadline: AbortSignal, ask: HttpRequest): HttpFailure {
  if (ask.signal.aborted) return new HttpFailure("the call was called off", true, cause);
  if (deadline.aborted) return new HttpFailure(`no whole answer within ${ask.timeoutMs / 1000} s`, true, cause);
  const code = cause.code ?? "";
  return new HttpFailure(SENTENCES.get(code) ?? cause.message, !NEVER_ARRIVED.has(code), cause);
}

const NEVER_ARRIVED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

const SENTENCES: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "nothing listens there (connection refused)"],
  ["ENOTFOUND", "that host name does not exist"],
  ["EAI_AGAIN", "the host name could not be looked up"],
  ["ECONNRESET", "the connection was cut"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate comes from an authority that is not trusted here"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate comes from an authority that is not trusted here"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is self-signed and not trusted here"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
]);
