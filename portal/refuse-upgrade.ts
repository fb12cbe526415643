/** Refuses upgrades, and closes the sockets of all that end: node reads such a socket no more, and so never sees its peer's end. */

import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** Closes the whole connection with the last byte that is sent, whoever ends it; else unread bytes would keep it open for ever. */
export function closeWhenSent(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
}

/** @param socket one that `closeWhenSent` has seen */
export function refuseUpgrade(socket: Duplex, status: number): void {
  if (socket.destroyed || socket.writableEnded) return;
  const reason = STATUS_CODES[status] ?? "Refused";
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
