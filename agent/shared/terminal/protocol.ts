/** Defines what a terminal in the browser and its user's terminal service send to each other. Pure. */

import { z } from "zod";

/** Where a user's terminal service listens; systemd makes the socket and starts the service on the first connection. */
export const terminalSocketOf = (osUser: string): string => `/run/workstation-terminal/${osUser}.sock`;

/** The web socket of one terminal, and the request for a new session. */
export const ATTACH_PATH = "/attach";
export const SESSIONS_PATH = "/sessions";

export const terminalSize = z.strictObject({
  cols: z.coerce.number().int().min(2).max(1000),
  rows: z.coerce.number().int().min(1).max(500),
});
export type TerminalSize = z.output<typeof terminalSize>;

const fromBrowser = z.union([
  z.strictObject({ resize: terminalSize }),
  /** So many more bytes of output have been drawn. */
  z.strictObject({ drawn: z.number().int().min(1).max(1_000_000_000) }),
]);
export type FromBrowser = z.output<typeof fromBrowser>;

/** A control message of the browser; undefined for anything else. What is typed comes as binary messages. */
export function parseControl(text: string): FromBrowser | undefined {
  try {
    return fromBrowser.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Sent again and again, so that the browser notices a connection that has died silently. */
export const ALIVE = JSON.stringify({ alive: true });
export const ALIVE_EVERY_MS = 10_000;

/** Larger messages end the connection; the browser cuts what is pasted into pieces. */
export const LONGEST_MESSAGE_BYTES = 64 * 1024;

/** Terminals that one user may have open. The service closes one more with a code, which tells the page why. */
export const MOST_TERMINALS = 32;

/** Why a terminal was closed, as codes of a web socket; the range is the applications' own. */
export const CLOSED = { ended: 4000, missing: 4004, tooMany: 4029, failed: 4500 } as const;

/** A name that a session may be given from the page: tmux itself keeps `.` and `:` for its own addresses. */
export const newSessionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/);

/** What a request for a new session is answered with. */
export const newSessionAnswer = z.union([
  z.strictObject({ name: z.string().min(1).max(1000) }),
  z.strictObject({ refused: z.string().min(1).max(1000) }),
]);
export type NewSessionAnswer = z.output<typeof newSessionAnswer>;
