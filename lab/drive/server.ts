/**
 * Emulates Google Drive: serves as much of its API as rclone's own drive backend reads, with the troubles that a Drive
 * can make. Clients reach it as a proxy, since that backend knows no other address than Google's; `rcloneConf` is the
 * configuration for it.
 */

import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pair } from "./certificate.ts";
import { answerFile, answerList, type Answer, refuse } from "./api-responses.ts";
import { Tree } from "./file-tree.ts";

/** The troubles; each may be set and taken away while the server runs. */
export interface Troubles {
  /** The refresh token is refused, as after the week that a token of an app in status Testing lives. */
  expired: boolean;
  /** Every listing is answered with this status. */
  listingStatus: number | undefined;
  /** Listings are never answered. */
  silent: boolean;
  /** Drive says of its own listings that they are incomplete. */
  incomplete: boolean;
  /** Happens when a folder is listed for the given time, counted from 1: what changes between two looks of one run. */
  atListing: { readonly count: number; change(): void } | undefined;
  /** A download is answered with other bytes than the listing has promised. */
  changesUnderway: RegExp | undefined;
  /** Downloads take this long, each. */
  downloadMs: number;
}

export interface Drive {
  readonly tree: Tree;
  readonly troubles: Troubles;
  /** `METHOD host/path` of every request, in order. */
  readonly requests: string[];
  readonly port: number;
  /** For the remote `gdrive:`; holds a token that is refreshed at once. */
  rcloneConf(host: string): string;
  close(): Promise<void>;
}

/** Starts a Drive on the address. It holds nothing yet. */
export async function startDrive(address: string, certificate: Pair): Promise<Drive> {
  const state = { tree: new Tree(), troubles: noTroubles(), requests: [] as string[], listings: 0 };
  const sockets = new Set<Socket>();
  const google = createHttps(certificate, (request, response) => {
    void answer(state, request).then((reply) => send(response, reply));
  });
  const proxy = createHttp((_, response) => send(response, refuse(400, "this is a proxy")));
  proxy.on("connect", (_, socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()); // a client that was killed
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    google.emit("connection", socket);
  });
  proxy.listen(0, address);
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  return {
    ...state,
    port,
    rcloneConf: (host) => confFor(`http://${host}:${port}`),
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

const noTroubles = (): Troubles => ({
  expired: false,
  listingStatus: undefined,
  silent: false,
  incomplete: false,
  atListing: undefined,
  changesUnderway: undefined,
  downloadMs: 0,
});

interface State {
  readonly tree: Tree;
  readonly troubles: Troubles;
  readonly requests: string[];
  listings: number;
}

async function answer(state: State, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", `https://${request.headers.host ?? "unknown"}`);
  state.requests.push(`${request.method} ${url.host}${url.pathname}`);
  if (url.pathname === "/token" && request.method === "POST") return token(state.troubles.expired);
  if (request.method !== "GET") return refuse(403, "the token may only read", "insufficientPermissions");
  if (url.pathname === "/drive/v3/files" && state.troubles.silent) return new Promise(() => undefined);
  if (url.pathname === "/drive/v3/files") return list(state, url);
  const id = /^\/drive\/v3\/files\/([^/]+)$/.exec(url.pathname)?.[1];
  const entry = state.tree.get(id ?? "");
  if (id === "root") return { status: 200, body: JSON.stringify({ id: state.tree.root }) };
  if (entry === undefined) return refuse(404, "no such file", "notFound");
  if (url.searchParams.get("alt") === "media") await sleep(state.troubles.downloadMs);
  return answerFile(entry, url, state.troubles.changesUnderway?.test(entry.name) ?? false);
}

function list(state: State, url: URL): Answer {
  const { listingStatus, atListing, incomplete } = state.troubles;
  if (listingStatus !== undefined) return refuse(listingStatus, "made to fail", "backendError");
  const isFolder = !url.searchParams.get("q")?.includes("name=") && !url.searchParams.has("pageToken");
  if (isFolder && ++state.listings === atListing?.count) atListing.change();
  return answerList(state.tree, url, incomplete);
}

/** What Google answers, word for word where rclone or the sync reads it. */
const token = (expired: boolean): Answer =>
  expired
    ? {
        status: 400,
        body: JSON.stringify({ error: "invalid_grant", error_description: "Token has been expired or revoked." }),
      }
    : { status: 200, body: JSON.stringify({ access_token: "lab", token_type: "Bearer", expires_in: 3600 }) };

function send(response: ServerResponse, { status, body, type = "application/json" }: Answer): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

const confFor = (proxy: string): string =>
  [
    "[gdrive]",
    "type = drive",
    "scope = drive.readonly",
    "client_id = lab",
    "client_secret = lab-secret",
    'token = {"access_token":"old","token_type":"Bearer","refresh_token":"lab-refresh","expiry":"2020-01-01T00:00:00Z"}',
    `global.http_proxy = ${proxy}`,
    "global.no_check_certificate = true",
    "pacer_min_sleep = 1ms",
    "",
  ].join("\n");
