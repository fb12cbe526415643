/** Carries one admitted request to the dashboard and its answer back. */

import { type ClientRequest, type IncomingMessage, request as plainRequest, type ServerResponse } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";

export interface Backend {
  readonly origin: URL;
  readonly caPem?: string;
  /** Told why the dashboard could not be asked, in node's own short words (`ECONNREFUSED`). */
  readonly onFailure?: (why: string) => void;
}

export type Headers = ReadonlyMap<string, readonly string[]>;

/** A dashboard that has not begun to answer by then is taken for dead. Watches and logs answer at once and then go on. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Streams body and answer. An answer that breaks off ends the client's connection, so that it is not taken for whole. */
export function forward(backend: Backend, from: IncomingMessage, headers: Headers, to: ServerResponse): void {
  const upstream = open(backend, from, new Map([...headers, ...framing(from)]));
  const late = setTimeout(() => upstream.destroy(new Error("late")), ANSWER_TIMEOUT_MS);
  upstream.on("response", (answer) => {
    clearTimeout(late);
    to.writeHead(answer.statusCode ?? 502, answerHeaders(answer));
    pipeline(answer, to, (broken) => {
      if (broken) to.destroy();
    });
  });
  upstream.on("error", (cause) => {
    clearTimeout(late);
    if (!to.destroyed) backend.onFailure?.(codeOf(cause));
    if (to.headersSent) to.destroy();
    else to.writeHead(502, PLAIN_TEXT).end("The dashboard does not answer.\n");
  });
  to.on("close", () => {
    clearTimeout(late);
    upstream.destroy();
  });
  if (hasBody(from)) pipeline(from, upstream, () => clearTimeout(late));
  else upstream.end();
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

/**
 * A body that came in chunks leaves in chunks. Said outright, since node would write the body of a GET without any frame
 * around it, and the dashboard would take it for the next request.
 */
const framing = ({ headers }: IncomingMessage): Headers =>
  new Map(headers["transfer-encoding"] === undefined ? [] : [["transfer-encoding", ["chunked"]]]);

/**
 * Opens a web socket to the dashboard as this person and joins the two ends.
 * @param opened told about the joined ends, so that a pod that goes can end them
 */
export function forwardSocket(
  backend: Backend,
  from: IncomingMessage,
  headers: Headers,
  client: Duplex,
  opened: (ends: readonly Duplex[]) => void,
): void {
  const upstream = open(backend, from, new Map([...headers, ["connection", ["Upgrade"]], ["upgrade", ["websocket"]]]));
  upstream.setTimeout(ANSWER_TIMEOUT_MS, () => upstream.destroy(new Error("late")));
  upstream.on("upgrade", (answer, far, early) => {
    far.setTimeout(0);
    client.write(head(101, "Switching Protocols", [...socketHeaders(answer)]));
    if (early.length > 0) client.write(early);
    opened([client, far]);
    pipeline(far, client, () => client.destroy());
    pipeline(client, far, () => far.destroy());
  });
  upstream.on("response", (answer) => {
    client.end(head(answer.statusCode ?? 502, answer.statusMessage ?? "", [["connection", "close"]]));
    answer.destroy();
  });
  upstream.on("error", (cause) => {
    if (!client.destroyed) backend.onFailure?.(codeOf(cause));
    client.end(head(502, "Bad Gateway", [["connection", "close"]]));
  });
  client.on("error", () => upstream.destroy());
  client.on("close", () => upstream.destroy());
  upstream.end();
}

/** One connection a request: none that is kept open can be closed by the dashboard under a request that is on its way. */
function open(backend: Backend, from: IncomingMessage, headers: Headers): ClientRequest {
  const { origin, caPem } = backend;
  const ask = origin.protocol === "https:" ? tlsRequest : plainRequest;
  return ask({
    protocol: origin.protocol,
    hostname: origin.hostname,
    port: origin.port,
    method: from.method,
    path: from.url,
    headers: Object.fromEntries([...headers].map(([name, values]) => [name, single(values)])),
    agent: false,
    // Said outright: node would take the client's own Host for the name that the certificate must bear.
    servername: isIP(origin.hostname) === 0 ? origin.hostname : "",
    ...(caPem === undefined ? {} : { ca: caPem }),
  });
}

const codeOf = (cause: NodeJS.ErrnoException) => cause.code ?? cause.message;

const single = (values: readonly string[]) => (values.length === 1 ? (values[0] ?? "") : [...values]);

/** Meant for one connection only, or for a browser's store: neither passes. */
const NOT_HANDED_BACK = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "set-cookie",
  "set-cookie2",
  "cache-control",
]);

/** Every answer is one person's: nothing on the way may keep it. */
function answerHeaders(answer: IncomingMessage): Record<string, string | string[]> {
  const named = (answer.headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const kept = new Map<string, string[]>([["cache-control", ["no-store"]]]);
  for (const [name, value] of lines(answer)) {
    if (NOT_HANDED_BACK.has(name) || named.includes(name)) continue;
    kept.set(name, [...(kept.get(name) ?? []), value]);
  }
  return Object.fromEntries([...kept].map(([name, values]) => [name, single(values)]));
}

function* socketHeaders(answer: IncomingMessage): Generator<readonly [string, string]> {
  yield ["connection", "Upgrade"];
  yield ["upgrade", "websocket"];
  for (const [name, value] of lines(answer)) if (name.startsWith("sec-websocket-")) yield [name, value];
}

function* lines({ rawHeaders }: IncomingMessage): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    yield [(rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? ""];
}

const PLAIN_TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } as const;

/** The head of an answer that node does not write for us: an upgraded connection has no response object. */
export const head = (status: number, message: string, headers: readonly (readonly [string, string])[]) =>
  `HTTP/1.1 ${status} ${message}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
