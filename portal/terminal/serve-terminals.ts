/** Serves the web sockets of terminals: checks each handshake, and joins it to the terminal service of its own user. */

import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ATTACH_PATH, terminalSocketOf } from "../../agent/shared/terminal/protocol.ts";
import { isOfOwnPage } from "../../clients/http/request-origin.ts";
import { openLimit } from "../code-server-proxy/open-limit.ts";
import type { IngressGuard } from "../ingress-guard.ts";
import { seldom } from "../log.ts";
import { authorizeVisitor, type Lists, type Visitor } from "../page/authorize-visitor.ts";
import { rateLimit } from "../page/rate-limit.ts";
import { upgrade } from "./person-service.ts";

export const TERMINAL_SOCKET_PATH = "/terminal/socket";

export interface TerminalsArgs {
  readonly ingress: IngressGuard;
  readonly lists: Lists;
  /** The portal's own origin. */
  readonly origin: string;
  /** Where a user's service listens. */
  readonly socketOf?: (osUser: string) => string;
}

/** Windows and tabs of one person; their service has the same limit. */
const MOST_OPEN = 32;
/** A browser that has lost its network tries again a few times a minute, with each of its tabs. */
const HANDSHAKES = { burst: 64, everyMs: 1000 };
/** After a deployment, so soon a terminal is closed that its user may no longer have. */
const REVIEW_MS = 1000;

interface Open {
  readonly visitor: Visitor;
  readonly end: () => void;
}

export function serveTerminals(server: Server, args: TerminalsArgs): void {
  const { lists } = args;
  const handshakes = rateLimit(HANDSHAKES, Date.now);
  const limit = openLimit(MOST_OPEN);
  const open = new Set<Open>();
  const noteForeign = seldom(lists.log, Date.now);
  const review = setInterval(() => {
    for (const { visitor, end } of open) if (!mayStay(visitor, lists)) end();
  }, REVIEW_MS);
  server.once("close", () => clearInterval(review));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const admitted = admit(request, args, noteForeign);
    if (typeof admitted === "number") return refuse(socket, admitted);
    if (handshakes.take(admitted.osUser) > 0 || !limit.enter(admitted.osUser, socket)) return refuse(socket, 429);
    const entry = { visitor: admitted, end: () => socket.destroy() };
    open.add(entry);
    socket.once("close", () => open.delete(entry));
    join(request, socket, head, (args.socketOf ?? terminalSocketOf)(admitted.osUser)).catch((error: unknown) => {
      lists.log(
        `${admitted.osUser}: the terminal service failed: ${error instanceof Error ? error.message : "broken"}`,
      );
      refuse(socket, 502);
    });
  });
}

function admit(
  request: IncomingMessage,
  { ingress, lists, origin }: TerminalsArgs,
  noteForeign: (line: string) => void,
): Visitor | number {
  const visitor = ingress.refuse(request) ?? authorizeVisitor(request.rawHeaders, lists);
  if ("why" in visitor) return visitor.status;
  if ((request.url ?? "").split("?")[0] !== TERMINAL_SOCKET_PATH) return 404;
  if (!isOfOwnPage(request.rawHeaders, (found) => found === origin)) {
    const from = request.headers.origin ?? "no page that a browser names";
    noteForeign(`${visitor.osUser}: a terminal for ${from} was refused: it must come from ${origin}`);
    return 403;
  }
  return visitor.parked ? 409 : visitor;
}

/** As for a new request: whose table cannot be read is not let in, either. */
function mayStay({ name, osUser }: Visitor, { dispatch }: Lists): boolean {
  try {
    const entry = dispatch.read().get(name);
    return entry?.os_user === osUser && entry.parked !== true;
  } catch {
    return false;
  }
}

const KEY = /^[A-Za-z0-9+/]{22}==$/;
const ACCEPT = /^[A-Za-z0-9+/]{27}=$/;

/** Nothing of the request but its key goes on, and nothing of the answer but its key comes back. */
async function join(request: IncomingMessage, socket: Duplex, head: Buffer, socketPath: string): Promise<void> {
  const key = request.headers["sec-websocket-key"] ?? "";
  if (!KEY.test(key) || request.headers["sec-websocket-version"] !== "13") return refuse(socket, 400);
  const query = (request.url ?? "").slice(TERMINAL_SOCKET_PATH.length);
  const handshake = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const found = await upgrade(socketPath, `${ATTACH_PATH}${query}`, { ...handshake, "sec-websocket-key": key });
  const { answer, upstream } = found;
  const accept = answer.headers["sec-websocket-accept"] ?? "";
  upstream.on("error", () => upstream.destroy());
  if (socket.destroyed || !ACCEPT.test(accept)) {
    upstream.destroy();
    return refuse(socket, 502);
  }
  socket.once("close", () => upstream.destroy());
  upstream.once("close", () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  if (head.length > 0) upstream.write(head);
  if (found.head.length > 0) socket.write(found.head);
  // Each side is read only as fast as the other one takes it.
  socket.pipe(upstream).pipe(socket);
}

function refuse(socket: Duplex, status: number): void {
  if (socket.destroyed) return;
  const reason = STATUS_CODES[status] ?? "Refused";
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
