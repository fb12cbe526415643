/** A portal and a user's terminal service on this machine, with a tmux client that a test plays. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { WebSocket } from "ws";
import { MOST_TERMINALS, type NewSessionAnswer, type TerminalSize } from "../../../agent/shared/terminal/protocol.ts";
import type { TmuxClient } from "../../../agent/user/terminal/attach-client.ts";
import { Refusal } from "../../../agent/lib/errors.ts";
import { createTerminalServer } from "../../../agent/user/terminal/server.ts";
import { dispatchAt } from "../../../portal/code-server-proxy/dispatch-table.ts";
import { ingressGuard } from "../../../portal/require-ingress-secret.ts";
import { createPortal } from "../../../portal/page/server.ts";

export const SECRET = "the-secret-of-the-ingress-0123456789abcdef";

export interface PlayedClient extends TmuxClient {
  readonly output: PassThrough;
  readonly typed: string[];
  readonly sizes: TerminalSize[];
  closed: boolean;
}

export interface Terminals {
  readonly port: number;
  readonly origin: string;
  readonly log: string[];
  readonly clients: PlayedClient[];
  /** Idle moments of the service. */
  readonly idle: () => number;
  deliver(entries: object): void;
  /** Headers as a flat list; a request of a signed-in user's own page unless told otherwise. */
  open(over?: { readonly headers?: readonly string[]; readonly path?: string }): WebSocket;
  /** The status of a handshake that is refused, byte by byte. */
  handshake(headers: readonly string[], path?: string): Promise<{ readonly status: number; readonly head: string }>;
  post(body: string, headers?: readonly string[]): Promise<{ readonly status: number; readonly location: string }>;
  socketOf: (osUser: string) => string;
  stop(): Promise<void>;
}

export const ATTACH = "/terminal/socket?session=dev&cols=80&rows=24";

export async function startTerminals(mostTerminals = MOST_TERMINALS, idleMs = 1_000_000): Promise<Terminals> {
  const folder = mkdtempSync(join(tmpdir(), "terminals-"));
  const log: string[] = [];
  const clients: PlayedClient[] = [];
  let idle = 0;
  const note = (line: string) => log.push(line);
  writeFileSync(join(folder, "admins"), "");
  writeFileSync(join(folder, "secret"), JSON.stringify([SECRET]));
  const deliver = (entries: object) => writeFileSync(join(folder, "dispatch.json"), JSON.stringify(entries));
  deliver({ "ana@x": { os_user: "ana", port: 4000 }, "parked@x": { os_user: "emo", port: 4001, parked: true } });
  const service = createTerminalServer({
    find: async (name) => {
      if (name === "lost") throw new Refusal("their tmux server lives, and its socket is gone");
      return name === "dev" ? "$1" : undefined;
    },
    attach: async (_, size) => {
      const client = play(size);
      clients.push(client);
      return client;
    },
    create: async (name): Promise<NewSessionAnswer> =>
      name === "taken" ? { refused: "You have one." } : { name: name ?? "work-1" },
    log: note,
    mostTerminals,
    idle: { afterMs: idleMs, end: () => (idle += 1) },
  });
  const socketOf = (osUser: string) => join(folder, `${osUser}.sock`);
  service.listen(socketOf("ana"));
  await once(service, "listening");
  const origin = "https://lobby.example";
  const ingress = ingressGuard(
    { address: "10.0.0.5", port: 1 },
    { header: "X-Ingress-Secret", file: join(folder, "secret") },
    note,
  );
  const unused = () => Promise.reject(new Error("not asked for here"));
  const portal = createPortal({
    site: { host: "lab", origin },
    ingress,
    lists: { dispatch: dispatchAt(join(folder, "dispatch.json")), admins: join(folder, "admins"), log: note },
    host: { facts: unused, everybody: unused, restore: unused, forget: unused },
    terminals: { socketOf },
  });
  portal.listen(0, "127.0.0.1");
  await once(portal, "listening");
  const { port } = portal.address() as AddressInfo;
  return {
    ...{ port, origin, log, clients, deliver, socketOf },
    idle: () => idle,
    open: ({ headers = OWN_PAGE, path = ATTACH } = {}) =>
      new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: Object.fromEntries(pairs(headers)) }),
    async handshake(headers, path = ATTACH) {
      const socket = connect(port, "127.0.0.1");
      const upgrade = ["Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13"];
      const all = pairs(["Host", "lobby.example", ...upgrade, "Sec-WebSocket-Key", KEY, ...headers]);
      socket.write(`GET ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
      const [piece] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      const head = piece.toString("latin1").split("\r\n\r\n")[0] ?? "";
      return { status: Number(head.split(" ")[1]), head };
    },
    async post(body, headers = [...OWN_PAGE, "Content-Type", "application/x-www-form-urlencoded"]) {
      const all = Object.fromEntries(pairs(headers));
      const asked = request({ port, host: "127.0.0.1", path: "/terminal/new", method: "POST", headers: all });
      asked.end(body);
      const [answer] = (await once(asked, "response")) as [import("node:http").IncomingMessage];
      answer.resume();
      return { status: answer.statusCode ?? 0, location: answer.headers.location ?? "" };
    },
    async stop() {
      for (const server of [portal, service]) {
        server.closeAllConnections();
        server.close();
      }
      for (const client of clients) client.output.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const SIGNED_IN = ["X-Ingress-Secret", SECRET, "X-authentik-username", "ana@x"];
export const OWN_PAGE = [...SIGNED_IN, "Origin", "https://lobby.example"];

const pairs = (flat: readonly string[]): readonly (readonly [string, string])[] =>
  flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""] as const] : []));

function play(size: TerminalSize): PlayedClient {
  const client: PlayedClient = {
    output: new PassThrough(),
    typed: [],
    sizes: [size],
    closed: false,
    write: (bytes) => client.typed.push(bytes.toString("utf8")) > 0,
    onDrain: () => undefined,
    resize: async (wanted) => void client.sizes.push(wanted),
    close: () => {
      client.closed = true;
      client.output.end();
    },
  };
  return client;
}

export async function until(holds: () => boolean, withinMs = 10_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it did not come about in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
