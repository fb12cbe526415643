/** Sends one HTTP request: with a deadline and a size limit; no redirect is followed and no proxy is guessed. */

import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import { ClientError } from "../client-error.ts";

export interface HttpRequest {
  /** LIST is Vault's own. */
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "LIST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the authority that the server's certificate must come from; the machine's own list where absent. */
  readonly ca?: string | Buffer;
  /** PEM of the client's own certificate and its key, where the server asks for one. */
  readonly clientCertificate?: { readonly cert: Buffer; readonly key: Buffer | undefined };
  /** The name that the server's certificate must bear, where it is another one than the URL's. */
  readonly serverName?: string;
  /** A longer answer is an error. Default: 16 MiB. */
  readonly maxBytes?: number;
  /** For the whole exchange, from the first packet to the last. */
  readonly timeoutMs: number;
  /** Calls the exchange off. */
  readonly signal?: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** An exchange without a whole answer. Its message names no secret: neither header nor body is repeated. */
export class HttpFailure extends ClientError {
  override readonly name = "HttpFailure";
  /** False only when the request certainly never reached the server. */
  readonly mayHaveArrived: boolean;
  constructor(message: string, mayHaveArrived: boolean, cause?: unknown) {
    super(message, { cause });
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** @throws HttpFailure when no whole answer came; whatever the server answers, errors included, is returned */
export function send(request: HttpRequest): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const { maxBytes = MAX_BYTES } = request;
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const fail = (cause: Error & { readonly code?: string }) => reject(failure(cause, deadline, request));
    const open = request.url.protocol === "https:" ? overHttps : overHttp;
    const options = {
      method: request.method,
      headers: { ...request.headers, "content-length": String(Buffer.byteLength(request.body ?? "")) },
      signal: request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]),
      agent: false,
      ...(request.ca === undefined ? {} : { ca: request.ca }),
      ...request.clientCertificate,
      ...(request.serverName === undefined ? {} : { servername: request.serverName }),
    };
    const outgoing = open(request.url, options, (incoming) => {
      const parts: Buffer[] = [];
      let size = 0;
      incoming.on("data", (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) incoming.destroy(new Error(`its answer is longer than ${maxBytes / 2 ** 20} MiB`));
        else parts.push(part);
      });
      incoming.on("error", fail);
      incoming.on("end", () => {
        const headers = new Map(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
        resolve({ status: incoming.statusCode ?? 0, headers, text: Buffer.concat(parts).toString("utf8") });
      });
    });
    outgoing.on("error", fail);
    outgoing.end(request.body);
  });
}

const MAX_BYTES = 16 * 2 ** 20;

function failure(cause: Error & { readonly code?: string }, deadline: AbortSignal, request: HttpRequest): HttpFailure {
  if (request.signal?.aborted === true) return new HttpFailure("the call was called off", true, cause);
  if (deadline.aborted) return new HttpFailure(`no whole answer within ${request.timeoutMs / 1000} s`, true, cause);
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
