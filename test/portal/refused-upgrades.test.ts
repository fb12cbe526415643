/** Tests that a refused upgrade leaves no connection open, whatever was sent with it, at each of the three servers. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requestFilter } from "../../components/cluster/injector/proxy/request-filter.ts";
import { createInjectorServer } from "../../components/cluster/injector/proxy/server.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { createPortal } from "../../portal/page/server.ts";
import { until } from "./terminal/fixture.ts";

const ORIGIN = "https://portal.example";
const folder = mkdtempSync(join(tmpdir(), "refused-upgrades-"));
const servers: Server[] = [];
const ingress = { header: undefined, refuse: () => undefined };
const log = () => undefined;
const unused = () => Promise.reject(new Error("not asked for here"));
/** A server behind the proxies that answers a handshake with a page. */
const backend = createServer((_, response) => response.writeHead(404).end("no web socket"));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const made: Record<string, () => Server> = {
  portal: () =>
    createPortal({
      site: { host: "devvm", origin: ORIGIN },
      ingress,
      lists: { dispatch: { read: () => table() }, admins: join(folder, "admins"), log },
      host: { facts: unused, everybody: unused, restore: unused, forget: unused },
      terminals: { socketOf: () => join(folder, "no.sock") },
    }),
  "code-server proxy": () => createCodeServerProxy({ dispatch: { read: () => table() }, ingress, log, origin: ORIGIN }),
  injector: () => {
    const rules = { origin: ORIGIN, identityHeader: "X-authentik-username", passHeaders: [] };
    const filter = requestFilter({
      ...rules,
      tokens: new Map([["ana@x", "token-of-ana-0123456789"]]),
      handOn: { kind: "header" },
    });
    return createInjectorServer(filter, { origin: new URL(`http://127.0.0.1:${port}`) }, log).server;
  },
};
let port = 0;
const table = () => new Map([["ana@x", { os_user: userInfo().username, port }]]);

beforeAll(async () => {
  writeFileSync(join(folder, "admins"), "");
  port = await listen(backend);
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

/** Sends a handshake and bytes that nobody reads, and leaves once it is answered. */
async function leaveBytesUnread(at: number, firstLine: string, headers: readonly string[]): Promise<string> {
  const socket = connect(at, "127.0.0.1");
  socket.on("error", log);
  const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const all = ["Host: portal.example", "Connection: Upgrade", "Upgrade: websocket", ...headers];
  socket.write(`${firstLine} HTTP/1.1\r\n${all.map((line) => `${line}\r\n`).join("")}${key}\r\n`);
  // What is no body is held for the upstream server, up to 64 KiB.
  socket.write("x".repeat(headers.includes(BODY) || headers.includes(FLOOD) ? BODY_BYTES : 60_000));
  const [piece] = (await once(socket, "data")) as [Buffer];
  socket.end();
  return piece.toString("latin1").slice(9, 12);
}

const BODY_BYTES = 100_000;
const SIGNED_IN = "X-authentik-username: ana@x";
const OWN = `Origin: ${ORIGIN}`;
const SOCKET = "/terminal/socket?session=dev&cols=80&rows=24";
const BODY = `Content-Length: ${BODY_BYTES}`;
const FLOOD = "X-Test: flood";

test.each([
  ["portal", "403", "another page's", `POST ${SOCKET}`, [SIGNED_IN, BODY]],
  ["portal", "403", "nobody's", `GET ${SOCKET}`, []],
  ["portal", "400", "one with another method", `POST ${SOCKET}`, [SIGNED_IN, OWN]],
  ["portal", "400", "one with a body", `GET ${SOCKET}`, [SIGNED_IN, OWN, BODY]],
  ["portal", "502", "one whose service is away", `GET ${SOCKET}`, [SIGNED_IN, OWN]],
  ["portal", "400", "one with a flood behind it", `GET ${SOCKET}`, [SIGNED_IN, OWN, FLOOD]],
  ["code-server proxy", "400", "one with a flood behind it", "GET /", [SIGNED_IN, OWN, FLOOD]],
  ["injector", "400", "one with a flood behind it", "GET /", [SIGNED_IN, OWN, FLOOD]],
  ["code-server proxy", "403", "another page's", "GET /", [SIGNED_IN]],
  ["code-server proxy", "400", "one with a body", "POST /", [SIGNED_IN, OWN, BODY]],
  ["code-server proxy", "404", "one that its server refuses", "GET /", [SIGNED_IN, OWN]],
  ["injector", "403", "another page's", "GET /", [SIGNED_IN]],
  ["injector", "400", "one with a body", "POST /", [SIGNED_IN, OWN, BODY]],
  ["injector", "404", "one that the dashboard refuses", "GET /", [SIGNED_IN, OWN]],
])("the %s answers %s and closes %s", async (name, status, _, firstLine, headers) => {
  const server = made[name]?.() ?? backend;
  const at = await listen(server);
  const answers = await Promise.all(Array.from({ length: 5 }, () => leaveBytesUnread(at, firstLine, headers)));
  expect(answers).toEqual(answers.map(() => status));
  let open = 5;
  await until(() => {
    void promisify(server.getConnections.bind(server))().then((count) => (open = count));
    return open === 0;
  }, 3000);
  expect(open).toBe(0);
});
