/** Tests that what is open at the code-server proxy ends once the dispatch table lets its person in no more, and nothing else does. */
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";

const me = userInfo().username;
const folder = mkdtempSync(join(tmpdir(), "review-"));
const table = join(folder, "dispatch.json");
const deliver = (text: string) => {
  writeFileSync(`${table}.new`, text);
  renameSync(`${table}.new`, table);
};
const none = { header: undefined, refuse: () => undefined };
const proxy = createCodeServerProxy({ dispatch: dispatchAt(table), ingress: none, log: () => undefined });

/** What the code server still has open. */
const held = new Set<Socket>();
const code = createServer((asked, answer) => {
  held.add(asked.socket);
  asked.socket.once("close", () => held.delete(asked.socket));
  if (asked.url === "/stream") answer.write("one");
});
code.on("upgrade", (asked, socket: Socket) => {
  held.add(socket.on("error", () => undefined));
  // Its peer's end alone closes no upgraded socket.
  socket
    .once("close", () => held.delete(socket))
    .once("end", () => socket.destroy())
    .resume();
  if (asked.url === "/socket")
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
});

const listen = async (server: Server) => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};
let port: number;
let backend: number;
beforeAll(async () => {
  backend = await listen(code);
  port = await listen(proxy);
});
afterAll(() => {
  for (const server of [proxy, code]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

interface Client {
  readonly socket: Socket;
  text: string;
  ended?: string;
}

function send(who: string, line: string, headers: readonly string[] = []): Client {
  const client: Client = { socket: connect(port, "127.0.0.1"), text: "" };
  client.socket.on("error", (error: NodeJS.ErrnoException) => (client.ended = error.code ?? "error"));
  client.socket.on("close", () => (client.ended ??= "closed"));
  client.socket.on("data", (piece: Buffer) => (client.text += piece.toString("latin1")));
  const all = ["Host: gate", `X-authentik-username: ${who}`, "Origin: https://gate", ...headers];
  client.socket.write(`${line}\r\n${all.join("\r\n")}\r\n\r\n`);
  return client;
}

const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];
const open = (who: string) => ({
  stream: send(who, "GET /stream HTTP/1.1"),
  "web socket": send(who, "GET /socket HTTP/1.1", UPGRADE),
  "request without an answer": send(who, "GET /wait HTTP/1.1"),
  "handshake without an answer": send(who, "GET /wait HTTP/1.1", UPGRADE),
});

const entry = (osUser = me) => ({ os_user: osUser, port: backend });

test.each([
  ["corrected", () => ({ "new@x": entry() })],
  ["swapped with another's", () => ({ "ana@x": entry("nobody") })],
  ["of somebody who is parked", () => ({ "ana@x": { ...entry(), parked: true } })],
  ["of somebody who has left", () => ({})],
  ["in a table that is broken", () => "{"],
])("everything that a sign-in has open ends when it is %s", async (how, next) => {
  const stays = { "bob@x": entry() };
  deliver(JSON.stringify({ ...stays, "ana@x": entry() }));
  const [ana, bob] = [open("ana@x"), open("bob@x")];
  await expect.poll(() => held.size).toBe(8);
  await expect
    .poll(() => [ana.stream.text, bob["web socket"].text].map((text) => text.slice(9, 12)))
    .toEqual(["200", "101"]);
  const table = next();
  deliver(typeof table === "string" ? table : JSON.stringify({ ...stays, ...table }));
  const all = Object.values(ana);
  await expect.poll(() => all.map(({ ended }) => ended), { timeout: 3000 }).toEqual(all.map(() => "closed"));
  const broken = how.includes("broken");
  await expect.poll(() => held.size).toBe(broken ? 0 : 4);
  expect(Object.values(bob).filter(({ ended }) => ended === undefined)).toHaveLength(broken ? 0 : 4);
  for (const { socket } of Object.values(bob)) socket.destroy();
  await expect.poll(() => held.size).toBe(0);
});

test("what stays mapped goes on over a new port and any number of deliveries", async () => {
  deliver(JSON.stringify({ "ana@x": entry() }));
  const ana = open("ana@x");
  await expect.poll(() => held.size).toBe(4);
  deliver(JSON.stringify({ "ana@x": { ...entry(), port: 4000 }, "new@x": entry() }));
  await sleep(1500);
  expect(Object.values(ana).filter(({ ended }) => ended !== undefined)).toEqual([]);
  for (const { socket } of Object.values(ana)) socket.destroy();
  await expect.poll(() => held.size).toBe(0);
});

test("a request that waits behind another on its connection takes the connection along", async () => {
  deliver(JSON.stringify({ "ana@x": entry(), "bob@x": entry() }));
  const both = send("ana@x", "GET /wait HTTP/1.1");
  const behind = "GET /wait HTTP/1.1\r\nHost: gate\r\nX-authentik-username: bob@x\r\n\r\n";
  both.socket.write(behind);
  await expect.poll(() => held.size).toBe(2);
  deliver(JSON.stringify({ "ana@x": entry() }));
  await expect.poll(() => [both.ended, held.size], { timeout: 3000 }).toEqual(["closed", 0]);
});

test("a stream of HTTP/1.0 is reset, so that nobody takes it for whole", async () => {
  deliver(JSON.stringify({ "ana@x": entry() }));
  const stream = send("ana@x", "GET /stream HTTP/1.0");
  await expect.poll(() => stream.text).toContain("one");
  deliver("{}");
  await expect.poll(() => stream.ended, { timeout: 3000 }).toBe("ECONNRESET");
});
