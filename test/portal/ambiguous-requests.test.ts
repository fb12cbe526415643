/**
 * Tests with raw bytes, at each of the three servers, that a request which two programs could read differently is refused
 * before anything acts on it, and that what is passed on can be read in one way alone.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requestFilter } from "../../components/cluster/injector/proxy/request-filter.ts";
import { createInjectorServer } from "../../components/cluster/injector/proxy/server.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { createPortal } from "../../portal/page/server.ts";
import { ingressGuard } from "../../portal/require-ingress-secret.ts";
import { until } from "./terminal/fixture.ts";

const ORIGIN = "https://portal.example";
const SECRET = "the-secret-of-the-ingress-0123456789abcdef";
const folder = mkdtempSync(join(tmpdir(), "ambiguous-requests-"));
const log: string[] = [];
const note = (line: string) => void log.push(line);
let heard: string[][] = [];
/** What is behind the proxies. */
const backend = createServer((request, response) => {
  heard.push([request.method ?? "", request.url ?? "", ...request.rawHeaders]);
  request.on("data", (piece: Buffer) => heard.at(-1)?.push(piece.toString()));
  request.on("end", () => response.end("answer"));
});
backend.on("upgrade", (request, socket) => {
  heard.push([request.method ?? "", request.url ?? "", ...request.rawHeaders]);
  socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
});
const listen = async (server: Server) => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

const ports = new Map<string, number>();
const servers: Server[] = [backend];

beforeAll(async () => {
  writeFileSync(join(folder, "admins"), "");
  writeFileSync(join(folder, "secret"), JSON.stringify([SECRET]));
  const port = await listen(backend);
  const dispatch = { read: () => new Map([["ana@x", { os_user: userInfo().username, port }]]) };
  const secret = { header: "X-Ingress-Secret", file: join(folder, "secret") };
  const ingress = ingressGuard({ address: "10.0.0.5", port: 1 }, secret, note);
  const unused = () => Promise.reject(new Error("not asked for here"));
  const filter = requestFilter({
    ...{
      origin: ORIGIN,
      identityHeader: "X-authentik-username",
      passHeaders: ["X-Ingress-Secret"],
      handOn: { kind: "header" },
    },
    tokens: new Map([["ana@x", "token-of-ana-0123456789"]]),
    sharedSecret: { header: "X-Ingress-Secret", accepted: [SECRET] },
  });
  const made = {
    "code-server proxy": createCodeServerProxy({ dispatch, ingress, log: note, origin: ORIGIN }),
    portal: createPortal({
      site: { host: "devvm", origin: ORIGIN },
      ingress,
      lists: { dispatch, admins: join(folder, "admins"), log: note },
      host: { facts: unused, everybody: unused, restore: unused, forget: unused },
      terminals: { socketOf: () => join(folder, "no.sock") },
    }),
    injector: createInjectorServer(filter, { origin: new URL(`http://127.0.0.1:${port}`) }, () => undefined).server,
  };
  for (const [name, server] of Object.entries(made)) {
    ports.set(name, await listen(server));
    servers.push(server);
  }
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  heard = [];
  log.length = 0;
});

const IDENTITY = "X-authentik-username: ana@x";
const PROOF = `X-Ingress-Secret: ${SECRET}`;
const OWN = ["Host: portal.example", PROOF, IDENTITY, `Origin: ${ORIGIN}`];

/** Sends these bytes, and reads until nothing more comes. */
async function exchange(name: string, bytes: string): Promise<string> {
  const socket = connect(ports.get(name) ?? 0, "127.0.0.1");
  let text = "";
  socket.on("error", () => undefined).on("data", (piece: Buffer) => (text += piece.toString("latin1")));
  socket.write(bytes, "latin1");
  await until(() => text !== "" || socket.destroyed);
  await sleep(50);
  socket.destroy();
  return text;
}

const asked = (line: string, headers: readonly string[], body = "") =>
  `${line}\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n${body}`;
const without = (header: string) => OWN.filter((line) => line !== header);
const CHUNK = "3\r\nabc\r\n0\r\n\r\n";
const HANDSHAKE = [
  ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const SOCKET = "GET /terminal/socket?session=dev&cols=80&rows=24 HTTP/1.1";
const MANY = Array.from({ length: 1200 }, () => "a:");

const NAMES = ["code-server proxy", "portal", "injector"];

describe.each(NAMES)("the %s", (name) => {
  test.each([
    ["two hosts", asked("GET / HTTP/1.1", [...OWN, "Host: evil.example"])],
    ["two origins", asked("POST /restore HTTP/1.1", [...OWN, "Origin: https://evil.example", "Content-Length: 0"])],
    ["two identities", asked("GET / HTTP/1.1", [...OWN, "X-authentik-username: bob@x"])],
    ["a look-alike identity", asked("GET / HTTP/1.1", [...OWN, "X_authentik_username: bob@x"])],
    ["a look-alike identity alone", asked("GET / HTTP/1.1", [...without(IDENTITY), "X_authentik_username: ana@x"])],
    ["two secrets", asked("GET / HTTP/1.1", [...OWN, PROOF])],
    ["a look-alike secret alone", asked("GET / HTTP/1.1", [...without(PROOF), `X_Ingress_Secret: ${SECRET}`])],
    [
      "a length and a coding",
      asked("POST / HTTP/1.1", [...OWN, "Content-Length: 3", "Transfer-Encoding: chunked"], CHUNK),
    ],
    ["two lengths", asked("POST / HTTP/1.1", [...OWN, "Content-Length: 3", "Content-Length: 4"], "abc")],
    ["a list of lengths", asked("POST / HTTP/1.1", [...OWN, "Content-Length: 3, 3"], "abc")],
    ["a signed length", asked("POST / HTTP/1.1", [...OWN, "Content-Length: +3"], "abc")],
    ["two codings", asked("POST / HTTP/1.1", [...OWN, "Transfer-Encoding: gzip, chunked"], CHUNK)],
    ["the coding twice", asked("POST / HTTP/1.1", [...OWN, ...Array(2).fill("Transfer-Encoding: chunked")], CHUNK)],
    ["an unknown coding", asked("POST / HTTP/1.1", [...OWN, "Transfer-Encoding: xchunked"], CHUNK)],
    ["a coding behind a tab", asked("POST / HTTP/1.1", [...OWN, "Transfer-Encoding : chunked"], CHUNK)],
    ["a coding in HTTP/1.0", asked("POST / HTTP/1.0", [...OWN, "Transfer-Encoding: chunked"], CHUNK)],
    ["a folded line", asked("GET / HTTP/1.1", [...without(IDENTITY), "X-authentik-username:", " ana@x"])],
    ["a line that ends early", asked("GET / HTTP/1.1", [...OWN, "X-A: b\rX-authentik-username: bob@x"])],
    ["a byte of nothing", asked("GET / HTTP/1.1", [...OWN, "X-A: \0"])],
    ["an address for a path", asked("GET http://evil.example/ HTTP/1.1", OWN)],
    ["no path", asked("OPTIONS * HTTP/1.1", OWN)],
    ["no host", asked("GET / HTTP/1.1", without("Host: portal.example"))],
    ["no host for a web socket", asked(SOCKET, [...without("Host: portal.example"), ...HANDSHAKE])],
    ["lines that hide a coding", asked("POST / HTTP/1.1", [...OWN, ...MANY, "Transfer-Encoding: chunked"], CHUNK)],
    ["lines that hide a body", asked("GET / HTTP/1.1", [...OWN, ...HANDSHAKE, ...MANY, "Content-Length: 3"], "abc")],
    ["two keys", asked("GET / HTTP/1.1", [...OWN, ...HANDSHAKE, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="])],
  ])("refuses a request with %s", async (_, bytes) => {
    const text = await exchange(name, bytes);
    expect(text === "" ? "closed" : text.slice(9, 12)).toMatch(/^(400|401|403|431|501|closed)$/);
    expect(text).not.toMatch(/answer/);
    expect(heard).toEqual([]);
    expect(log.join("\n")).not.toContain(SECRET);
  });
});

test("the code-server proxy passes on one identity, nothing else of the sign-in, and a body in one framing", async () => {
  const more = [
    "X.authentik.groups: admins",
    "X-Authentik_Uid: 1",
    "Connection: host, content-length, x-authentik-username",
  ];
  await exchange(
    "code-server proxy",
    asked("POST /a HTTP/1.1", [...OWN, ...more, "Transfer-Encoding: Chunked"], CHUNK),
  );
  expect(heard).toHaveLength(1);
  const told = heard[0]?.map((text) => text.toLowerCase()) ?? [];
  expect(told.filter((text) => text.includes("authentik"))).toEqual(["x-authentik-username"]);
  expect(told.filter((text) => ["content-length", "transfer-encoding"].includes(text))).toEqual(["transfer-encoding"]);
  expect([told.includes(SECRET), told.at(-1)]).toEqual([false, "abc"]);
});

test("the injector passes the secret of the ingress on to no dashboard, even where the settings name its header", async () => {
  await exchange("injector", asked("GET /a HTTP/1.1", OWN));
  expect(heard).toHaveLength(1);
  expect(heard[0]?.join("\n")).not.toContain(SECRET);
});

test("each serves a second request on a connection that was idle for longer than node keeps one by itself", async () => {
  const head = asked("HEAD /style.css HTTP/1.1", OWN);
  const clients = NAMES.map((name) => {
    const socket = connect(ports.get(name) ?? 0, "127.0.0.1");
    const client = { socket, text: "" };
    socket.on("error", () => undefined).on("data", (piece: Buffer) => (client.text += piece.toString("latin1")));
    socket.write(head);
    return client;
  });
  await until(() => clients.every(({ text }) => text.startsWith("HTTP/1.1 200 ")));
  for (const client of clients) client.text = "";
  await sleep(6500);
  for (const { socket } of clients) socket.write(head);
  await until(() => clients.every(({ text, socket }) => text !== "" || socket.destroyed));
  expect(clients.map(({ text }) => text.slice(0, 12))).toEqual(NAMES.map(() => "HTTP/1.1 200"));
  for (const { socket } of clients) socket.destroy();
});
