/** Forwards admitted requests and web sockets to the dashboard, and narrows what its answers carry back. */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { forwardRequest, type Upstream } from "../../../../clients/http/forward-request.ts";
import { forwardWebSocket, type WebSocketClient } from "../../../../clients/http/forward-web-socket.ts";

export interface Backend {
  readonly origin: URL;
  readonly caPem?: string;
  /** Told why the dashboard could not be asked, in node's own short words (`ECONNREFUSED`). */
  readonly onFailure?: (why: string) => void;
}

export type Headers = ReadonlyMap<string, readonly string[]>;

/** Streams body and answer. An answer that breaks off ends the client's connection, so that it is not taken for whole. */
export function forward(backend: Backend, from: IncomingMessage, headers: Headers, to: ServerResponse): void {
  forwardRequest(from, to, dashboard(backend, headers));
}

/** Opens a web socket to the dashboard as this person and joins the two ends. */
export function forwardSocket(
  backend: Backend,
  from: IncomingMessage,
  headers: Headers,
  client: WebSocketClient,
): void {
  forwardWebSocket(from, client, dashboard(backend, headers));
}

/** One connection a request: none that is kept open can be closed by the dashboard under a request that is on its way. */
function dashboard({ origin, caPem, onFailure }: Backend, headers: Headers): Upstream {
  return {
    target: () => ({
      protocol: origin.protocol,
      hostname: origin.hostname,
      port: origin.port,
      agent: false,
      // Said outright: node would take the client's own Host for the name that the certificate must bear.
      servername: isIP(origin.hostname) === 0 ? origin.hostname : "",
      ...(caPem === undefined ? {} : { ca: caPem }),
    }),
    headers: Object.fromEntries([...headers].map(([name, values]) => [name, single(values)])),
    answerHeaders: withoutStore,
    onFailure: (cause: NodeJS.ErrnoException) => {
      onFailure?.(cause.code ?? cause.message);
      return { status: 502, text: "The dashboard does not answer as it should." };
    },
  };
}

const single = (values: readonly string[]) => (values.length === 1 ? (values[0] ?? "") : [...values]);

/** Every answer is one person's: nothing on the way may keep it, and no browser stores a cookie of the dashboard's. */
function withoutStore(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const { "set-cookie": _, "set-cookie2": __, ...kept } = headers;
  return { ...kept, "cache-control": "no-store" };
}

/** The head of an answer that node does not write for us: an upgraded connection has no response object. */
export const head = (status: number, message: string, headers: readonly (readonly [string, string])[]) =>
  `HTTP/1.1 ${status} ${message}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
