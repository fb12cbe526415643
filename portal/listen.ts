/** Listens on an address or socket for the ingress, and decides which local users may connect. */

import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { z } from "zod";
import { isLoopbackAddress } from "../clients/http/loopback-address.ts";
import { findOwner } from "./code-server-proxy/connection-owner.ts";
import { seldom } from "./log.ts";

export const listen = z.union([
  z.strictObject({ address: z.string(), port: z.int().min(1).max(65_535) }),
  /** Whoever may open the socket is whom its folder lets in. */
  z.strictObject({ socket: z.string().startsWith("/") }),
]);
export type Listen = z.output<typeof listen>;

/**
 * Starts to listen. Behind an address everybody on this host could claim to be the ingress, so the kernel is asked for
 * the owner of each connection from here: root may connect, nobody else.
 */
export function listenAt(server: Server, at: Listen, log: (line: string) => void): void {
  const noteBroken = seldom(log, Date.now);
  server.on("error", (error) => {
    // The kernel reports here, too, that a new connection was broken before it was accepted: that is its client's alone.
    if (server.listening) return noteBroken(`a connection could not be accepted: ${error.message}`);
    log(`cannot listen: ${error.message}`);
    process.exit(1);
  });
  if ("socket" in at) {
    rmSync(at.socket, { force: true });
    server.listen(at.socket, () => chmodSync(at.socket, 0o660));
    return;
  }
  admitConnections(server, log);
  server.listen(at.port, at.address);
}

/** Lets the server see a connection only once its owner is known. What is sent until then waits in the socket. */
export function admitConnections(server: Server, log: (line: string) => void): void {
  const handlers = server.listeners("connection");
  server.removeAllListeners("connection");
  const noteRefused = seldom(log, Date.now);
  const noteUnknown = seldom(log, Date.now);
  const begin = (socket: Socket) => {
    for (const handle of handlers) handle.call(server, socket);
  };
  server.on("connection", (socket: Socket) => {
    if (!isFromHere(socket)) return begin(socket);
    const broken = () => socket.destroy();
    socket.once("error", broken);
    localUid(socket).then(
      (uid) => {
        socket.off("error", broken);
        if (uid === 0 && !socket.destroyed) return begin(socket);
        noteRefused(`uid ${uid} of this host connected and is not let in: only the ingress and root are`);
        socket.destroy();
      },
      (error: Error) => {
        noteUnknown(`the owner of a connection cannot be read, so it is not let in: ${error.message}`);
        socket.destroy();
      },
    );
  });
}

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*/, "");

function isFromHere({ remoteAddress = "" }: Socket): boolean {
  const from = plain(remoteAddress);
  // One that has gone already has no address, and nobody would know whose it was.
  if (from === "" || isLoopbackAddress(from)) return true;
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => plain(address) === from));
}

/** Nobody's number: what is from here and cannot be told is not let in. */
const UNKNOWN = -1;

/** A table that changes while it is read may leave a socket out, so it is looked for again. */
const LOOKS = 3;

/** The uid of the process of this host at the other end. */
async function localUid(socket: Socket): Promise<number> {
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  const ends = { address: plain(remoteAddress), port: remotePort, peer: plain(localAddress), peerPort: localPort };
  for (let look = 0; look < LOOKS && !socket.destroyed && remoteAddress !== ""; look += 1) {
    const uid = await findOwner(ends);
    if (uid !== undefined) return uid;
  }
  return UNKNOWN;
}
