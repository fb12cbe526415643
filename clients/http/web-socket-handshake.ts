/** Recognises a web-socket handshake (RFC 6455, section 4.1) among the upgrades that a client can ask for. */

import type { IncomingMessage } from "node:http";

/** A handshake has no body: node leaves one unread, and it would run into the socket. */
export const isWebSocketHandshake = ({ method, headers }: Pick<IncomingMessage, "method" | "headers">): boolean =>
  method === "GET" &&
  headers.upgrade?.toLowerCase() === "websocket" &&
  headers["content-length"] === undefined &&
  headers["transfer-encoding"] === undefined;
