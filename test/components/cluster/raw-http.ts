/** Raw bytes to an HTTP server and back: what a client library would refuse to send is what an attacker sends. */

import { connect } from "node:net";

export interface Answer {
  readonly status: number;
  /** Everything that came back, later answers on the same connection included. */
  readonly text: string;
  /** How many answers came back. */
  readonly count: number;
}

/** Sends the bytes and waits until the other end closes or has been silent for `quietMs`. */
export function sendRaw(
  to: { readonly port: number; readonly host?: string },
  bytes: string | readonly string[],
  quietMs = 200,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: to.port, host: to.host ?? "127.0.0.1" });
    const chunks: Buffer[] = [];
    const done = () => {
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      const heads = text.match(/HTTP\/1\.1 \d{3}/g) ?? [];
      resolve({ status: Number(heads[0]?.slice(-3) ?? 0), text, count: heads.length });
    };
    socket.setTimeout(quietMs, done);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", done);
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ECONNRESET" || cause.code === "EPIPE") done();
      else reject(cause);
    });
    void writeAll((piece) => socket.write(piece, "latin1"), typeof bytes === "string" ? [bytes] : bytes);
  });
}

async function writeAll(write: (piece: string) => void, pieces: readonly string[]) {
  for (const piece of pieces) {
    write(piece);
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** @returns a GET with these header lines, as they are */
export const get = (path: string, ...lines: readonly string[]): string =>
  ["GET ", path, " HTTP/1.1\r\nHost: dashboard.test\r\n", ...lines.map((line) => `${line}\r\n`), "\r\n"].join("");
