/** Forwards one web-socket handshake to an upstream server and joins the two connections; a failure of either ends this pair alone. */

import { type ClientRequest, type IncomingMessage, type Server, validateHeaderValue } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import { attempt, limitWait, openRequest, statusOf, type Upstream } from "./forward-request.ts";
import { holdEarlyBytes } from "./hold-early-bytes.ts";

export interface WebSocketClient {
  readonly socket: Duplex;
  /** What the client has sent after its handshake. */
  readonly early: Buffer;
  /** Answers the handshake with this status and ends the connection. */
  readonly refuse: (status: number) => void;
}

/** The handshake is answered once: with 101, with the status of a server that opens none, or with that of the failure. */
export function forwardWebSocket(from: IncomingMessage, client: WebSocketClient, upstream: Upstream): void {
  const { socket, early, refuse } = client;
  const ended = new AbortController();
  let answered = false;
  let request: ClientRequest | undefined;
  let far: Duplex | undefined;
  const end = () => {
    ended.abort();
    request?.destroy();
    far?.destroy();
  };
  const refuseOnce = (status: () => number) => {
    if (!answered && !socket.destroyed) refuse(status());
    answered = true;
    end();
  };
  const fail = (cause: Error) => refuseOnce(() => upstream.onFailure(cause).status);
  socket.on("error", () => socket.destroy());
  socket.on("close", end);
  const giveBack = holdEarlyBytes(socket, early, () => refuseOnce(() => 400));
  attempt(fail, () => {
    request = openRequest(from, upstream, { connection: "Upgrade", upgrade: "websocket" }, ended.signal);
    limitWait(request, fail);
    request.on("error", fail);
    request.on("response", (declined) => {
      declined.on("error", fail);
      attempt(fail, () => {
        const status = statusOf(declined);
        refuseOnce(() => status);
      });
    });
    request.on("upgrade", (accepted, remote, first) => {
      far = remote.on("error", () => remote.destroy());
      if (answered || socket.destroyed) return end();
      attempt(fail, () => {
        const head = switchingHead(accepted);
        answered = true;
        socket.write(head, "latin1");
        // What came along with the two heads is read before all else.
        if (first.length > 0) remote.unshift(first);
        giveBack();
        pipeline(remote, socket, () => socket.destroy());
        pipeline(socket, remote, () => remote.destroy());
      });
    });
    request.end();
  });
}

/** @throws Error when the upstream server switches to another protocol, or a value cannot be sent as it is */
function switchingHead({ headers, rawHeaders }: IncomingMessage): string {
  if (headers.upgrade?.toLowerCase() !== "websocket")
    throw new Error("it switches to another protocol than web sockets");
  const lines = ["HTTP/1.1 101 Switching Protocols", "connection: Upgrade", "upgrade: websocket"];
  for (const [at, value] of rawHeaders.entries()) {
    const name = rawHeaders[at - 1]?.toLowerCase() ?? "";
    if (at % 2 === 0 || !name.startsWith("sec-websocket-")) continue;
    validateHeaderValue(name, value);
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Tells whether an answer is still under way on a connection. A client may send its handshake before it has read that answer,
 * whose bytes would run into the frames.
 */
export function pendingAnswers(server: Server): (socket: Duplex) => boolean {
  const pending = new WeakMap<Duplex, number>();
  server.on("request", ({ socket }, response) => {
    const count = (change: number) => pending.set(socket, (pending.get(socket) ?? 0) + change);
    count(1);
    response.once("close", () => count(-1));
  });
  return (socket) => (pending.get(socket) ?? 0) > 0;
}
