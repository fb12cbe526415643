/** Holds the frames that a client sends before its web socket is joined: in order, up to a limit. */

import type { Duplex } from "node:stream";

/** A client has to wait for the answer to its handshake (RFC 6455, section 4.1); a few frames are forgiven. */
const MOST_EARLY_BYTES = 64 * 1024;

/**
 * The socket is read meanwhile, since nothing else shows that its client has gone: then it is destroyed.
 *
 * @param early what came with the handshake
 * @param refuse is called for a client that sends more than is held
 * @returns ends the holding, and puts all bytes back into the socket, where they are read next
 */
export function holdEarlyBytes(socket: Duplex, early: Buffer, refuse: () => void): () => void {
  const pieces = [early];
  let bytes = early.length;
  const release = () => {
    socket.off("data", hold).off("end", leave).pause();
  };
  const hold = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= MOST_EARLY_BYTES) return void pieces.push(piece);
    release();
    refuse();
  };
  const leave = () => socket.destroy();
  socket.on("data", hold).once("end", leave);
  return () => {
    release();
    if (bytes > 0) socket.unshift(Buffer.concat(pieces));
  };
}
