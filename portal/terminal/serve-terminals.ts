/** Serves the web sockets of terminals: checks each handshake, and joins it to the terminal service of its own user. */

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { ATTACH_PATH, MOST_TERMINALS, terminalSocketOf } from "../../agent/shared/terminal/protocol.ts";
import { ambiguityOf } from "../../clients/http/find-ambiguity.ts";
import { holdEarlyBytes } from "../../clients/http/hold-early-bytes.ts";
import { isOfOwnPage } from "../../clients/http/browser-origin-headers.ts";
import { openLimit } from "../../clients/http/open-limit.ts";
import { pendingAnswers } from "../../clients/http/forward-web-socket.ts";
import { isWebSocketHandshake } from "../../clients/http/web-socket-handshake.ts";
import type { IngressGuard } from "../require-ingress-secret.ts";
import { seldom, seldomEach } from "../log.ts";
import type { AuthorizeVisitor, Lists, Visitor } from "../page/authorize-visitor.ts";
import { rateLimit } from "../page/rate-limit.ts";
import { closeWhenSent, refuseUpgrade } from "../refuse-upgrade.ts";
import { reviewOpenConnections } from "../review-open-connections.ts";
import { upgrade } from "./person-service.ts";

export const TERMINAL_SOCKET_PATH = "/terminal/socket";

export interface TerminalsArgs {
  readonly ingress: IngressGuard;
  readonly authorize: AuthorizeVisitor;
  readonly lists: Lists;
  /** The portal's own origin. */
  readonly origin: string;
  /** Where a user's service listens. */
  readonly socketOf?: (osUser: string) => string;
}

/**
 * Connections of one person, with those that are refused or still close. More than their service takes as terminals: it
 * can tell the page why it closes one, and a refused handshake cannot.
 */
const MOST_OPEN = MOST_TERMINALS + 16;
/** A browser that has lost its network tries again a few times a minute, with each of its tabs. */
const HANDSHAKES = { burst: 64, everyMs: 1000 };

export function serveTerminals(server: Server, args: TerminalsArgs): void {
  const { authorize, ingress, lists, origin } = args;
  const handshakes = rateLimit(HANDSHAKES, Date.now);
  const limit = openLimit(MOST_OPEN);
  const review = reviewOpenConnections(server, lists.dispatch);
  const noteForeign = seldom(lists.log, Date.now);
  const noteFailed = seldomEach(lists.log, Date.now);
  const isPending = pendingAnswers(server);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    closeWhenSent(socket);
    if (isPending(socket)) return void socket.destroy();
    const visitor = ambiguityOf(request) ?? ingress.refuse(request) ?? authorize(request.rawHeaders);
    if ("why" in visitor) return refuseUpgrade(socket, visitor.status);
    // Before anything else: a refusal takes a file descriptor too until it is sent.
    if (!limit.enter(visitor.osUser, socket)) return refuseUpgrade(socket, 429);
    const status = refusalOf(request, visitor, origin, noteForeign);
    if (status !== undefined) return refuseUpgrade(socket, status);
    // Not before: another page could use up what its reader may do here.
    if (handshakes.take(visitor.osUser) > 0) return refuseUpgrade(socket, 429);
    review(visitor, socket);
    join(request, socket, head, (args.socketOf ?? terminalSocketOf)(visitor.osUser)).catch((error: unknown) => {
      // A user who has left says nothing about their service.
      if (socket.destroyed) return;
      noteFailed(visitor.osUser, `the terminal service failed: ${error instanceof Error ? error.message : "broken"}`);
      refuseUpgrade(socket, 502);
    });
  });
}

/** The status to refuse it with; undefined when this person may open a terminal with it. */
function refusalOf(
  request: IncomingMessage,
  visitor: Visitor,
  origin: string,
  noteForeign: (line: string) => void,
): number | undefined {
  if ((request.url ?? "").split("?")[0] !== TERMINAL_SOCKET_PATH) return 404;
  if (!isOfOwnPage(request.rawHeaders, (found) => found === origin)) {
    const from = request.headers.origin ?? "no page that a browser names";
    noteForeign(`${visitor.osUser}: a terminal for ${from} was refused: it must come from ${origin}`);
    return 403;
  }
  if (!isWebSocketHandshake(request)) return 400;
  return visitor.parked ? 409 : undefined;
}

const KEY = /^[A-Za-z0-9+/]{22}==$/;
const ACCEPT = /^[A-Za-z0-9+/]{27}=$/;

/** Nothing of the request but its key goes on, and nothing of the answer but its key comes back. */
async function join(request: IncomingMessage, socket: Duplex, head: Buffer, socketPath: string): Promise<void> {
  const key = request.headers["sec-websocket-key"] ?? "";
  if (!KEY.test(key) || request.headers["sec-websocket-version"] !== "13") return refuseUpgrade(socket, 400);
  const query = (request.url ?? "").slice(TERMINAL_SOCKET_PATH.length);
  const handshake = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  const giveBack = holdEarlyBytes(socket, head, () => refuseUpgrade(socket, 400));
  const headers = { ...handshake, "sec-websocket-key": key };
  const found = await upgrade(socketPath, `${ATTACH_PATH}${query}`, headers, gone.signal);
  const { answer, upstream } = found;
  const accept = answer.headers["sec-websocket-accept"] ?? "";
  upstream.on("error", () => upstream.destroy());
  if (socket.destroyed || socket.writableEnded || !ACCEPT.test(accept)) {
    upstream.destroy();
    return refuseUpgrade(socket, 502);
  }
  socket.once("close", () => upstream.destroy());
  upstream.once("close", () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  // What came along with the two heads is read before all else.
  giveBack();
  if (found.head.length > 0) upstream.unshift(found.head);
  // Each side is read only as fast as the other one takes it.
  socket.pipe(upstream).pipe(socket);
}
