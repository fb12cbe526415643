/** Forwards one request to an upstream server and streams the answer back; a failure of either side ends this exchange alone. */

import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as plainRequest,
  type ServerResponse,
} from "node:http";
import { request as tlsRequest, type RequestOptions } from "node:https";
import { pipeline } from "node:stream";

/** The server behind the proxy, for one exchange. */
export interface Upstream {
  /** How it is connected to. @param ended aborts when the exchange has ended, however: what waits for it is given up */
  readonly target: (ended: AbortSignal) => RequestOptions;
  /** What it is sent, besides the headers of the connection and of the body's framing. */
  readonly headers: OutgoingHttpHeaders;
  /** What goes back of its answer's end-to-end headers. */
  readonly answerHeaders: (headers: OutgoingHttpHeaders) => OutgoingHttpHeaders;
  /** Called with the reason when there is no answer that can be passed on. @returns what the client is answered */
  readonly onFailure: (cause: Error) => { readonly status: number; readonly text: string };
}

/** A server that has not begun to answer by then is taken for dead; what has begun may go on for days. */
const ANSWER_TIMEOUT_MS = 60_000;
/** So long the rest of a body is read that nobody wants: a connection closed with unread bytes may lose the answer. */
const DISCARD_MS = 5_000;

/** The client gets the answer, a refusal, or a closed connection where an answer breaks off: it is never taken for whole. */
export function forwardRequest(from: IncomingMessage, to: ServerResponse, upstream: Upstream): void {
  const { socket } = from;
  const ended = new AbortController();
  let request: ClientRequest | undefined;
  const end = () => {
    // One that has no connection yet waits for it all the same when it is destroyed.
    ended.abort();
    request?.destroy();
  };
  const fail = (cause: Error) => {
    end();
    if (socket.destroyed || to.destroyed || to.writableEnded) return;
    const { status, text } = upstream.onFailure(cause);
    if (to.headersSent) breakOff(to);
    else to.writeHead(status, PLAIN_TEXT).end(`${text}\n`);
  };
  for (const side of [from, to]) side.on("error", () => to.destroy());
  const gone = () => {
    socket.off("close", gone);
    end();
  };
  to.on("close", gone);
  // Node closes no answer whose turn on its connection has not come; a client may send many requests before it reads one.
  socket.setMaxListeners(0).on("close", gone);
  to.on("finish", () => discardRest(from));
  attempt(fail, () => {
    request = openRequest(from, upstream, framing(from), ended.signal);
    const extend = limitWait(request, fail);
    let received: IncomingMessage | undefined;
    // What else comes on the connection of a whole answer takes nothing of it back.
    request.on("error", (cause) => {
      if (received?.complete !== true) fail(cause);
    });
    request.on("upgrade", (_, remote) => {
      remote.on("error", () => remote.destroy()).destroy();
      fail(new Error("it switches protocols, which it was not asked to"));
    });
    request.on("response", (answer) => {
      received = answer.on("error", fail);
      attempt(fail, () => {
        to.writeHead(statusOf(answer), upstream.answerHeaders(endToEnd(answer)));
        pipeline(answer, to, (broken) => {
          if (broken) fail(broken);
        });
      });
    });
    if (!hasBody(from)) return void request.end();
    from.on("data", extend);
    from.pipe(request);
  });
}

/**
 * Ends an answer that is not whole. HTTP/1.0 has answers that end with their connection, so such a client would take a plain
 * end for theirs.
 */
export function breakOff(to: ServerResponse): void {
  const { httpVersion, socket } = to.req;
  // One that waits for its turn has sent nothing yet, and no unix socket can be reset.
  if (httpVersion === "1.0" && to.socket !== null && socket.remoteAddress !== undefined) socket.resetAndDestroy();
  else to.destroy();
}

/** Node throws where a head cannot be sent as it is; that is a failure of this exchange like any other. */
export function attempt(fail: (cause: Error) => void, task: () => void): void {
  try {
    task();
  } catch (cause) {
    fail(cause instanceof Error ? cause : new Error(String(cause)));
  }
}

/** @throws Error when the request cannot be sent as it is */
export function openRequest(
  from: IncomingMessage,
  upstream: Upstream,
  ofHop: OutgoingHttpHeaders,
  ended: AbortSignal,
): ClientRequest {
  const { headers } = upstream;
  const target = upstream.target(ended);
  const open = target.protocol === "https:" ? tlsRequest : plainRequest;
  return open({ ...target, method: from.method, path: from.url, headers: { ...headers, ...ofHop } });
}

/** @returns extends the wait: a slow upload is no dead server */
export function limitWait(request: ClientRequest, fail: (cause: Error) => void): () => void {
  let timer: NodeJS.Timeout | undefined = setTimeout(
    () => fail(new Error("it does not answer in time")),
    ANSWER_TIMEOUT_MS,
  );
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  for (const event of ["response", "upgrade", "close"]) request.once(event, stop);
  return () => void timer?.refresh();
}

/** @throws Error when it is the status of no final answer (RFC 9110, section 15) */
export function statusOf({ statusCode = 0 }: IncomingMessage): number {
  if (statusCode < 200 || statusCode > 599) throw new Error(`it answers with the status ${statusCode}`);
  return statusCode;
}

/** Meant for one connection (RFC 9110, section 7.6.1), or answered by node itself. */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The headers of a message that are meant for its last recipient. */
export function endToEnd({ headers, statusCode }: IncomingMessage): OutgoingHttpHeaders {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  // RFC 9110, section 8.6: an answer without content has no length of it.
  const dropped = new Set([...OF_ONE_HOP, ...named, ...(statusCode === 204 ? ["content-length"] : [])]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;

/**
 * A body leaves as it came, with its length or in chunks. Set explicitly, since node would write the body of a GET without
 * any framing, and the server would take it for the next request.
 */
function framing({ headers }: IncomingMessage): OutgoingHttpHeaders {
  const { "content-length": length, "transfer-encoding": coding } = headers;
  if (coding === undefined) return length === undefined ? {} : { "content-length": length };
  if (coding.toLowerCase() !== "chunked") throw new Error("the request has an unknown transfer coding");
  return { "transfer-encoding": "chunked" };
}

function discardRest(from: IncomingMessage): void {
  from.unpipe();
  from.resume();
  const late = setTimeout(() => from.destroy(), DISCARD_MS);
  for (const event of ["end", "close"]) from.once(event, () => clearTimeout(late));
  if (from.complete) clearTimeout(late);
}

const PLAIN_TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } as const;
