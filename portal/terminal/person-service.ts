/** Connects to one user's terminal service through its socket, which only this program's account may open. */

import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type NewSessionAnswer, newSessionAnswer, SESSIONS_PATH } from "../../agent/shared/terminal/protocol.ts";

/** The service may have to be started first, and a tmux server with it. */
const ANSWER_MS = 40_000;
const MOST_BYTES = 16 * 1024;

export interface Upgraded {
  readonly answer: IncomingMessage;
  readonly upstream: Duplex;
  readonly head: Buffer;
}

/**
 * Tells whether nothing listens for the service: systemd holds the socket of every user who is present from their first
 * delivery on, until the service has failed too often. A connection starts the service, which the page that asks is about to need.
 */
export function hasNoSocket(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const decide = (found: boolean) => {
      socket.destroy();
      resolve(found);
    };
    socket.once("connect", () => decide(false));
    socket.once("error", (error) => decide(isNobodyThere(error)));
  });
}

/** Whether an error of a request says that nobody listens. */
export const isNobodyThere = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ECONNREFUSED");

/**
 * Opens a web socket of the service.
 *
 * @param ended aborts when nobody wants it any more
 * @throws when it does not answer, or with anything but a web socket
 */
export function upgrade(
  socketPath: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  ended: AbortSignal,
): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const all = { host: "terminal", ...headers };
    const outgoing = request({ socketPath, path, headers: all, agent: false, signal: ended });
    const late = setTimeout(() => outgoing.destroy(new Error("it does not answer")), ANSWER_MS);
    outgoing.once("close", () => clearTimeout(late));
    outgoing.once("error", reject);
    outgoing.once("response", (answer) => {
      answer.destroy();
      reject(new Error(`it answered ${answer.statusCode} in place of a web socket`));
    });
    outgoing.once("upgrade", (answer, upstream, head) => {
      clearTimeout(late);
      resolve({ answer, upstream, head });
    });
    outgoing.end();
  });
}

/** Asks for a new session. @param name undefined: the service chooses one */
export async function createSession(socketPath: string, name: string | undefined): Promise<NewSessionAnswer> {
  const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
  return newSessionAnswer.parse(JSON.parse(await post(socketPath, `${SESSIONS_PATH}${query}`)));
}

function post(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const outgoing = request({ socketPath, path, method: "POST", headers: { host: "terminal" }, agent: false, signal });
    outgoing.once("error", reject);
    outgoing.once("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        if (text.length > MOST_BYTES) answer.destroy(new Error("its answer is too long"));
      });
      answer.once("error", reject);
      answer.once("end", () => resolve(text));
    });
    outgoing.end();
  });
}
