/**
 * Tests that the code-server proxy gives a request or web socket up when its client goes, wherever it waits, and frees its
 * place once; and that what a client sends ahead of the answer to its handshake arrives once, in order, up to a limit.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { until } from "./terminal/fixture.ts";

const ORIGIN = "https://code.example";
const ignore = () => undefined;
const log: string[] = [];
const entry = { os_user: userInfo().username, port: 0 };
const slow = { os_user: userInfo().username, port: 0 };
const proxy = createCodeServerProxy({
  dispatch: {
    read: () =>
      new Map([
        ["ana@x", entry],
        ["slow@x", slow],
      ]),
  },
  ingress: { header: undefined, refuse: () => undefined },
  log: (line) => log.push(line),
  origin: ORIGIN,
});

/** A code server that answers a handshake when a test says so. */
let handshakes: { readonly socket: Socket; text: string }[] = [];
const code = createServer((_, response) => response.end("page"));
code.on("upgrade", (_, socket: Socket, head: Buffer) => {
  const mine = { socket, text: head.toString("latin1") };
  socket.on("error", ignore).on("data", (piece: Buffer) => (mine.text += piece.toString("latin1")));
  socket.on("end", () => socket.destroy());
  handshakes.push(mine);
});
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

/** A process that counts its connections, and that can be stopped: the kernel then connects, and nobody accepts. */
const COUNTING = `
let count = 0;
const server = require("node:http").createServer((_, response) => response.end(String(count)));
server.on("connection", () => { count += 1; });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;
let counting: ChildProcess;
let port: number;

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  counting = spawn(process.execPath, ["-e", COUNTING], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(counting.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  slow.port = Number(line.toString());
  entry.port = await listen(code);
  port = await listen(proxy);
});
afterAll(() => {
  counting.kill("SIGKILL");
  for (const server of [proxy, code]) {
    server.closeAllConnections();
    server.close();
  }
});

const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", `Origin: ${ORIGIN}`];

function send(who: string, headers: readonly string[] = [], after = "") {
  const socket = connect(port, "127.0.0.1");
  const client = { socket, text: "", closed: false };
  socket.on("error", ignore).on("close", () => (client.closed = true));
  socket.on("data", (piece: Buffer) => (client.text += piece.toString("latin1")));
  const lines = ["GET / HTTP/1.1", "Host: code.example", `X-authentik-username: ${who}@x`, ...headers, "", ""];
  socket.write(lines.join("\r\n") + after, "latin1");
  return client;
}

async function openConnectionsEnd(): Promise<void> {
  let open = 1;
  await until(() => {
    proxy.getConnections((_, count) => (open = count));
    return open === 0;
  });
}

test.each([
  ["requests", [], (socket: Socket) => void socket.resetAndDestroy()],
  ["requests", [], (socket: Socket) => void socket.end()],
  ["web sockets", UPGRADE, (socket: Socket) => void socket.resetAndDestroy()],
  ["web sockets", UPGRADE, (socket: Socket) => void socket.end()],
])("%s that wait for a connection are given up with their clients", { retry: 2 }, async (_, headers, leave) => {
  const before = await answered();
  counting.kill("SIGSTOP");
  const clients = Array.from({ length: 60 }, () => send("slow", headers));
  await sleep(300);
  // Those behind the sixteen first: a place that becomes free is taken by the next one who still waits.
  for (const some of [clients.slice(16), clients.slice(0, 16)]) {
    for (const { socket } of some) leave(socket);
    await until(() => some.every(({ closed }) => closed));
    await sleep(100);
  }
  counting.kill("SIGCONT");
  // Hardly one of those that waited has connected (all sixty would have), and nobody else waits for them.
  expect((await answered()) - before).toBeLessThan(30);
  await openConnectionsEnd();
  expect(log.filter((line) => line.includes("gone"))).toEqual([]);
});

/** How many connections the process has counted. */
async function answered(): Promise<number> {
  const client = send("slow", ["Connection: close"]);
  await until(() => client.closed);
  return Number(client.text.split("\r\n\r\n")[1]?.split("\r\n").at(-1));
}

test("a client that leaves before its handshake is answered takes its connection to the code server along", async () => {
  handshakes = [];
  const client = send("ana", UPGRADE, "early");
  await until(() => handshakes.length === 1);
  client.socket.end();
  await until(() => handshakes[0]?.socket.destroyed === true && client.closed);
  expect([handshakes[0]?.socket.destroyed, client.closed]).toEqual([true, true]);
});

test("what both sides send ahead arrives once and in order", async () => {
  handshakes = [];
  const client = send("ana", UPGRADE, "one ");
  await until(() => handshakes.length === 1);
  client.socket.write("two ");
  await sleep(50);
  client.socket.write("x".repeat(30_000));
  await sleep(50);
  const [mine] = handshakes;
  expect(mine?.text).toBe("");
  mine?.socket.write(`${SWITCHING}first `);
  await until(() => client.text.endsWith("first "));
  client.socket.write(" three");
  mine?.socket.write("second");
  await until(() => mine?.text.endsWith("three") === true && client.text.endsWith("second"));
  expect(mine?.text).toBe(`one two ${"x".repeat(30_000)} three`);
  expect(client.text.split("\r\n\r\n")[1]).toBe("first second");
  client.socket.destroy();
});

test("a client that sends without end ahead of the answer is closed", async () => {
  handshakes = [];
  const client = send("ana", UPGRADE);
  const timer = setInterval(() => client.socket.write("x".repeat(30_000)), 5);
  await until(() => client.closed);
  clearInterval(timer);
  expect(client.closed).toBe(true);
  await until(() => handshakes.every(({ socket }) => socket.destroyed));
  expect(handshakes.map(({ text, socket }) => [text, socket.destroyed])).toEqual(handshakes.map(() => ["", true]));
});
