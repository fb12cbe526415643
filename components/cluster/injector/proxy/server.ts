/** Serves the injector's requests: passes each to the request filter, and then answers it or forwards it. */

import type { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ambiguityOf } from "../../../../clients/http/find-ambiguity.ts";
import { serveIngress } from "../../../../clients/http/ingress-connections.ts";
import { isSafeMethod } from "../../../../clients/http/browser-origin-headers.ts";
import { isWebSocketHandshake } from "../../../../clients/http/web-socket-handshake.ts";
import { openLimit } from "../../../../clients/http/open-limit.ts";
import { pendingAnswers } from "../../../../clients/http/forward-web-socket.ts";
import { whenClosed } from "../../../../clients/http/when-closed.ts";
import { type Backend, forward, forwardSocket, head } from "./forward.ts";
import type { RequestFilter, Verdict } from "./request-filter.ts";

export interface InjectorServer {
  readonly server: Server;
  /** Takes no more, finishes what is under way, and ends what is still open at the limit. */
  drain(settleMs: number, limitMs: number): Promise<void>;
}

/** One line of the log. Holds no token, no query and no identity that is not known to us. */
export type WriteLogLine = (line: Readonly<Record<string, string | number>>) => void;

const HEADERS_TIMEOUT_MS = 10_000;
/** The whole request, body included. */
const REQUEST_TIMEOUT_MS = 300_000;
const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 2_000;
/** Of one identity: a dashboard's tabs with all their watches and terminals, and far from what all share. */
export const MAX_OPEN_EACH = 200;

export function createInjectorServer(filter: RequestFilter, backend: Backend, log: WriteLogLine): InjectorServer {
  let going = false;
  /** Of web sockets, also while the dashboard has not answered their handshake: the server itself forgets an upgraded one. */
  const sockets = new Set<Duplex>();
  const open = openLimit(MAX_OPEN_EACH);
  const limited = (verdict: Verdict, of: EventEmitter): Verdict =>
    verdict.kind === "admit" && !open.enter(verdict.identity, of) ? TOO_MANY_OPEN : verdict;
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: true,
    insecureHTTPParser: false,
    connectionsCheckingInterval: 2_000,
  };
  const server = createServer(options, (request, response) => {
    if (going) response.setHeader("connection", "close");
    const verdict = limited(judge(filter, request, !isSafeMethod(request.method)), response);
    note(log, request, verdict);
    if (verdict.kind === "admit") forward(backend, request, verdict.headers, response);
    else refuse(request, response, verdict);
  });
  const isPending = pendingAnswers(server);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (whenClosed(socket, () => sockets.delete(socket))) sockets.add(socket);
    if (isPending(socket)) return void socket.destroy();
    // Nobody may read it, and with unread bytes in it its peer's end would never be seen.
    socket.once("finish", () => socket.destroy());
    const verdict = isWebSocketHandshake(request) ? limited(judge(filter, request, true), socket) : NO_OTHER_PROTOCOL;
    note(log, request, verdict);
    const refuse = (status: number) => void socket.end(head(status, "Refused", [["connection", "close"]]));
    if (verdict.kind === "refuse") return refuse(verdict.status);
    forwardSocket(backend, request, verdict.headers, { socket, early, refuse });
  });
  serveIngress(server);
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;

  return {
    server,
    drain: async (settleMs, limitMs) => {
      going = true;
      await after(settleMs);
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      await Promise.race([closed, after(limitMs - settleMs)]);
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Only a path on the dashboard is asked for: no other server's address, no tunnel, no echo of what was sent. */
function judge(filter: RequestFilter, request: IncomingMessage, mayChange: boolean): Verdict {
  if (request.method === "TRACE") return { kind: "refuse", status: 405, reason: "a method that echoes" };
  if (request.url?.startsWith("/") !== true) return { kind: "refuse", status: 400, reason: "not a path" };
  const verdict = filter(request.rawHeaders, mayChange);
  const ambiguity = verdict.kind === "admit" ? ambiguityOf(request) : undefined;
  if (ambiguity === undefined) return verdict;
  return { kind: "refuse", status: ambiguity.status, reason: ambiguity.why, sentence: ambiguity.why };
}

const NO_OTHER_PROTOCOL: Verdict = { kind: "refuse", status: 400, reason: "an upgrade to something else" };

const TOO_MANY_OPEN: Verdict = {
  kind: "refuse",
  status: 429,
  reason: "too many open requests of one identity",
  sentence: `You have ${MAX_OPEN_EACH} requests open, which is all that one person may. Close some tabs.`,
};

/** The connection ends as well: what else was sent on it may be the rest of an attempt. */
function refuse(request: IncomingMessage, response: ServerResponse, verdict: Verdict & { kind: "refuse" }): void {
  response.writeHead(verdict.status, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    connection: "close",
  });
  const sentence = verdict.sentence ?? SENTENCES.get(verdict.status) ?? "This request cannot be served.";
  response.end(`${sentence}\n`, () => request.destroy());
}

const SENTENCES: ReadonlyMap<number, string> = new Map([
  [401, "You are not signed in."],
  [403, "You have no access to this dashboard. Ask the admins to put you on the roster."],
  [431, "The request's header is too large."],
]);

function note(log: WriteLogLine, request: IncomingMessage, verdict: Verdict): void {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const what = { method: request.method ?? "", path: path.slice(0, 200) };
  if (verdict.kind === "admit") log({ ...what, identity: verdict.identity });
  else log({ ...what, refused: verdict.reason, status: verdict.status });
}

const after = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
