/** Listens on an address or socket for the ingress, and decides which local users may connect. */

import { chmodSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { isIPv4, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { z } from "zod";
import { uidOfSocket } from "./code-server-proxy/connection-owner.ts";

export const listen = z.union([
  z.strictObject({ address: z.string(), port: z.int().min(1).max(65_535) }),
  /** Whoever may open the socket is whom its folder lets in. */
  z.strictObject({ socket: z.string().startsWith("/") }),
]);
export type Listen = z.output<typeof listen>;

/**
 * Starts to listen. Behind an address everybody on this host could claim to be the ingress, so whoever connects from here
 * is asked of the kernel: root may, nobody else.
 */
export function listenAt(server: Server, at: Listen, log: (line: string) => void): void {
  server.on("error", (error) => {
    log(`cannot listen: ${error.message}`);
    process.exit(1);
  });
  if ("socket" in at) {
    rmSync(at.socket, { force: true });
    server.listen(at.socket, () => chmodSync(at.socket, 0o660));
    return;
  }
  server.on("connection", (socket: Socket) => {
    const uid = localUid(socket);
    if (uid === undefined || uid === 0) return;
    log(`uid ${uid} of this host connected and is not let in: only the ingress and root are`);
    socket.destroy();
  });
  server.listen(at.port, at.address);
}

/** Nobody's number: what is from here and cannot be told is not let in. */
const UNKNOWN = -1;

/** Whose process of this host is at the other end; undefined when it is another host's. */
function localUid({
  remoteAddress = "",
  remotePort = 0,
  localAddress = "",
  localPort = 0,
}: Socket): number | undefined {
  const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*/, "");
  const here = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => plain(address)));
  const from = plain(remoteAddress);
  const local = from === "::1" || (isIPv4(from) && from.startsWith("127.")) || here.includes(from);
  if (from !== "" && !local) return undefined;
  const ends = [from, remotePort, plain(localAddress), localPort] as const;
  return (
    uidOfSocket(
      ...ends,
      ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFileSync(path, "latin1")),
    ) ?? UNKNOWN
  );
}
