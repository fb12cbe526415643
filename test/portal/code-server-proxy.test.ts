/** Tests the code-server proxy before real servers on loopback: who is admitted, to which server, and what a squatter or a dead server does. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dispatchAt, parseTable } from "../../portal/code-server-proxy/dispatch-table.ts";
import { identityOf } from "../../portal/code-server-proxy/request-identity.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { ingressGuard } from "../../portal/require-ingress-secret.ts";

const me = userInfo().username;
const folder = mkdtempSync(join(tmpdir(), "gate-"));
const table = join(folder, "dispatch.json");
const log: string[] = [];
const ingress = ingressGuard({ socket: "/run/gate.sock" }, undefined, (line) => log.push(line));
const gate = createCodeServerProxy({ dispatch: dispatchAt(table), ingress, log: (line) => log.push(line) });
const listen = async (server: { listen(port: number, host: string): unknown }) => {
  server.listen(0, "127.0.0.1");
  await once(server as Server, "listening");
  return ((server as Server).address() as AddressInfo).port;
};
const deliver = (entries: object) => {
  writeFileSync(`${table}.new`, JSON.stringify(entries));
  renameSync(`${table}.new`, table);
};

let gatePort: number;
let backend: number;
const code = createServer((asked, answer) => {
  if (asked.url === "/stream") {
    answer.write("one\n");
    setTimeout(() => answer.end("two\n"), 300);
    return;
  }
  if (asked.url === "/hold") return void answer.write("one\n");
  if (asked.url === "/broken-stream") {
    answer.write("half", () => setTimeout(() => asked.socket.destroy(), 20));
    return;
  }
  if (asked.url === "/broken") {
    answer.writeHead(200, { "content-length": 100 });
    answer.write("half", () => setTimeout(() => asked.socket.destroy(), 20));
    return;
  }
  answer.end(JSON.stringify({ url: asked.url, headers: asked.headers }));
});
code.on("upgrade", (_, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  socket.on("data", (piece: Buffer) => socket.write(`echo ${piece.toString()}`));
});

beforeAll(async () => {
  backend = await listen(code);
  gatePort = await listen(gate);
  deliver({ "ana@x": { os_user: me, port: backend }, "parked@x": { os_user: me, port: backend, parked: true } });
});
afterAll(() => {
  for (const server of [gate, code]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

/** Headers as a flat list, so that a name may stand twice. */
const ask = async (headers: readonly string[], path = "/") => {
  const asked = request({
    host: "127.0.0.1",
    port: gatePort,
    path,
    headers: ["Host", "gate", ...headers],
    agent: false,
  });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const pieces: string[] = [];
  for await (const piece of answer) pieces.push(String(piece));
  return { status: answer.statusCode, text: pieces.join("") };
};
const as = (name: string, path?: string) => ask(["X-authentik-username", name], path);

test("who has signed in reaches their own code server, which is told who they are and nothing else of the sign-in", async () => {
  const { status, text } = await ask(
    ["X-Authentik-Username", "ana@x", "X-Authentik-Groups", "admins", "Accept", "text/html"],
    "/a?b",
  );
  expect(status).toBe(200);
  const { headers, url } = JSON.parse(text) as { headers: Record<string, string>; url: string };
  expect(url).toBe("/a?b");
  expect(Object.entries(headers).filter(([name]) => /authentik|accept/.test(name))).toEqual([
    ["accept", "text/html"],
    ["x-authentik-username", "ana@x"],
  ]);
});

test.each([
  ["nobody", []],
  ["an empty name", ["X-authentik-username", ""]],
  ["a stranger", ["X-authentik-username", "eve@x"]],
  ["a name of every object", ["X-authentik-username", "__proto__"]],
  ["another case", ["X-authentik-username", "ANA@x"]],
  ["somebody parked", ["X-authentik-username", "parked@x"]],
  ["two names", ["X-authentik-username", "ana@x", "X-authentik-username", "ana@x"]],
  ["two names in two cases", ["X-authentik-username", "eve@x", "x-AUTHENTIK-username", "ana@x"]],
  ["a look-alike alone", ["X_authentik_username", "ana@x"]],
  ["a look-alike beside", ["X-authentik-username", "ana@x", "X-authentik_username", "eve@x"]],
  ["a list", ["X-authentik-username", "ana@x, ana@x"]],
])("%s is kept out", async (_, headers) => {
  expect((await ask(headers)).status).toBe(403);
});

test("whatever else a request carries, only one header of exactly that name is a sign-in", () => {
  expect(identityOf(["Host", "x", "X-Authentik-Username", "ana@x"])).toEqual({ name: "ana@x" });
  expect(identityOf(["X.Authentik.Username", "ana@x"])).toHaveProperty("refused");
  expect(identityOf(["X-Authentik-Username\u00a0", "eve", "X-Authentik-Username", "ana@x"])).toHaveProperty("refused");
});

test("a stream passes piece by piece, and a web socket in both directions", async () => {
  expect((await as("ana@x", "/stream")).text).toBe("one\ntwo\n");
  const socket = connect(gatePort, "127.0.0.1");
  const upgrade =
    "Origin: https://gate\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-authentik-username: ana@x\r\n\r\n";
  socket.write(`GET /ws HTTP/1.1\r\nHost: gate\r\n${upgrade}`);
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 101 /);
  socket.write("hello");
  expect(String((await once(socket, "data"))[0])).toBe("echo hello");
  socket.destroy();
  const stranger = connect(gatePort, "127.0.0.1");
  stranger.write(`GET /ws HTTP/1.1\r\nHost: gate\r\n${upgrade.replace("ana@x", "eve@x")}`);
  expect(String((await once(stranger, "data"))[0])).toMatch(/^HTTP\/1.1 403 /);
  stranger.destroy();
});

test("an answer that breaks off ends the client's connection", async () => {
  const socket = connect(gatePort, "127.0.0.1");
  let text = "";
  socket.on("data", (part) => {
    text += part.toString();
  });
  socket.write("GET /broken HTTP/1.1\r\nHost: gate\r\nX-authentik-username: ana@x\r\n\r\n");
  await once(socket, "end", { signal: AbortSignal.timeout(5_000) });
  expect(text).toContain("half");
});

test("for a client of HTTP/1.0 an answer that breaks off is a connection that is reset, since its end would be that of the answer", async () => {
  const socket = connect(gatePort, "127.0.0.1");
  let text = "";
  socket.on("data", (part) => (text += part.toString()));
  const reset = once(socket, "close").catch((error: NodeJS.ErrnoException) => error.code);
  socket.write("GET /broken-stream HTTP/1.0\r\nHost: gate\r\nX-authentik-username: ana@x\r\n\r\n");
  expect(await reset).toBe("ECONNRESET");
  expect(text).toContain("half");
});

test.each([
  ["somebody who is not known", ["X-authentik-username: eve@x"]],
  ["another page", ["X-authentik-username: ana@x", "Origin: https://evil.example"]],
])("the refusal of %s ends the connection, however long the body goes on", async (_, headers) => {
  const socket = connect(gatePort, "127.0.0.1");
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (part) => (text += part.toString()));
  socket.write(`POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 1000000\r\n${headers.join("\r\n")}\r\n\r\nx`);
  const more = setInterval(() => socket.write("y"), 50);
  await once(socket, "close", { signal: AbortSignal.timeout(3_000) }).finally(() => clearInterval(more));
  expect(text).toMatch(/^HTTP\/1.1 403 /);
});

test("another page that fetches in a loop uses up nothing of what its reader may have open", async () => {
  const foreign = ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"];
  const sockets = await Promise.all(
    Array.from({ length: 120 }, async () => {
      const socket = connect(gatePort, "127.0.0.1");
      const head = ["GET /hold HTTP/1.1", "Host: gate", "X-authentik-username: ana@x", ...foreign];
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      const [piece] = (await once(socket, "data")) as [Buffer];
      return { socket, status: Number(piece.toString().slice(9, 12)), text: piece.toString() };
    }),
  );
  const refused = sockets.filter(({ status }) => status === 429);
  expect([refused.length, sockets.filter(({ status }) => status === 200).length]).toEqual([20, 100]);
  expect(refused[0]?.text).toContain("Other pages have 100 requests open here in your name");
  expect((await as("ana@x")).status).toBe(200);
  for (const { socket } of sockets) socket.destroy();
});

test("another table counts from the next request on, and a broken one lets nobody in", async () => {
  deliver({ "new@x": { os_user: me, port: backend } });
  expect([(await as("ana@x")).status, (await as("new@x")).status]).toEqual([403, 200]);
  writeFileSync(table, "{");
  expect((await as("new@x")).status).toBe(503);
  expect(() => parseTable('{"a":{"os_user":"Root","port":1}}')).toThrow("os_user");
  deliver({ "ana@x": { os_user: me, port: backend } });
  expect((await as("ana@x")).status).toBe(200);
});

test("a server that is down, or accepts nothing, is answered for in time", async () => {
  const closed = createTcpServer();
  const port = await listen(closed);
  closed.close();
  await once(closed, "close");
  deliver({ "ana@x": { os_user: me, port } });
  const begun = Date.now();
  expect(await as("ana@x")).toMatchObject({ status: 502, text: expect.stringContaining("does not answer") as string });
  expect(Date.now() - begun).toBeLessThan(5000);
});

test("a squatter on somebody's port is sent nothing at all", async () => {
  const squat = `const s = require("net").createServer((c) => c.on("data", () => process.stdout.write("GOT")));
    s.listen(0, "127.0.0.1", () => process.stdout.write(s.address().port + "\\n"));`;
  const squatter = spawn(process.execPath, ["-e", squat], { uid: 65_534, gid: 65_534, cwd: "/", env: {} });
  const heard: string[] = [];
  squatter.stdout.on("data", (piece) => heard.push(String(piece)));
  await once(squatter.stdout, "data");
  const port = Number(heard.join("").trim());
  deliver({ "ana@x": { os_user: me, port }, "nobody@x": { os_user: "nobody", port } });
  expect(await as("ana@x")).toMatchObject({ status: 502, text: expect.stringContaining("Nothing was sent") as string });
  expect(heard.join("")).toBe(`${port}\n`);
  expect(log.at(-1)).toContain("is answered by uid 65534");
  // Control: to the account whose it is, the same port is sent the request.
  as("nobody@x").catch(() => undefined);
  for (let tried = 0; tried < 50 && !heard.join("").includes("GOT"); tried += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard.join("")).toContain("GOT");
  squatter.kill();
  gate.closeAllConnections();
});
