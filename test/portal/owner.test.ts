/** Whose a socket is, by the kernel's tables: over both protocols, while the tables are large, and for many who ask at once. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findOwner, ownerFinder, uidOf } from "../../portal/code-server-proxy/connection-owner.ts";
import { admitConnections, listenAt } from "../../portal/listen.ts";

const folder = mkdtempSync(join(tmpdir(), "owner-"));
afterAll(() => rmSync(folder, { recursive: true }));
const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const line = (local: string, remote: string, uid: number, inode: number, state = "01") =>
  `   1: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 20 4 0 10 -1`;
const tables: string[] = [];
/** A finder that reads these tables in place of the kernel's. */
const finderOf = (...texts: readonly (readonly string[])[]) =>
  ownerFinder(
    texts.map((lines) => {
      const path = join(folder, `table-${tables.length}`);
      tables.push(path);
      writeFileSync(path, `${[HEAD, ...lines].join("\n")}\n`);
      return path;
    }),
  );
const loopback = (port: number, peerPort: number) => ({ address: "127.0.0.1", port, peer: "127.0.0.1", peerPort });

test("it is read over both protocols, and one that has not been accepted is nobody's", async () => {
  const v4 = line("0100007F:0EBD", "0100007F:C350", 7001, 42);
  const v6 = line("0000000000000000FFFF00000100007F:0EBD", "0000000000000000FFFF00000100007F:C350", 7001, 42);
  expect([await finderOf([v4], [])(loopback(3773, 50_000)), await finderOf([], [v6])(loopback(3773, 50_000))]).toEqual([
    7001, 7001,
  ]);
  expect(await finderOf([line("0100007F:0EBD", "0100007F:C350", 0, 0)])(loopback(3773, 50_000))).toBeUndefined();
  expect(
    await finderOf([line("0100007F:0EBD", "0100007F:C350", 7001, 42, "06")])(loopback(3773, 50_000)),
  ).toBeUndefined();
  expect(await finderOf([v4])(loopback(3773, 50_001))).toBeUndefined();
  const v6only = line("000000FD000000000000000001000000:0EBD", "000000FD000000000000000002000000:C350", 7002, 43);
  const find = finderOf([v4, v6only]);
  expect(await find({ address: "fd00::1", port: 3773, peer: "fd00:0:0:0::2", peerPort: 50_000 })).toBe(7002);
  expect(await find({ address: "fd00::2", port: 3773, peer: "fd00::1", peerPort: 50_000 })).toBeUndefined();
  expect(uidOf("ana", "anax:x:1:1::/:\nana:x:7001:7001::/home/ana:/bin/zsh\n")).toBe(7001);
});

test("a kernel without IPv6 has one table, and a table that cannot be read is an error", async () => {
  const v4 = line("0100007F:0EBD", "0100007F:C350", 7001, 42);
  writeFileSync(join(folder, "v4"), `${HEAD}\n${v4}\n`);
  expect(await ownerFinder([join(folder, "v4"), join(folder, "none")])(loopback(3773, 50_000))).toBe(7001);
  await expect(ownerFinder([folder])(loopback(3773, 50_000))).rejects.toThrow("EISDIR");
});

test("this process' own connection is its own, by the kernel's word", async () => {
  const server = createTcpServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const [client] = [connect(port, "127.0.0.1")];
  await once(server, "connection");
  expect(await findOwner({ ...loopback(port, client.localPort ?? 0) })).toBe(process.getuid?.());
  client.destroy();
  server.close();
});

/** The longest time in which nothing else of this process ran, while `task` did. */
async function longestPauseMs(task: Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await task;
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}

test("a hundred thousand sockets and two hundred who ask at once keep nobody else waiting", async () => {
  const hex = (n: number, digits: number) => n.toString(16).toUpperCase().padStart(digits, "0");
  const many = Array.from({ length: 100_000 }, (_, i) =>
    line(`0100007F:${hex(i % 65_536, 4)}`, `${hex(i, 8)}:C350`, 8000 + (i % 50), i + 1),
  );
  const find = finderOf([...many, line("0100007F:0EBD", "0100007F:C350", 7001, 42)], []);
  await find(loopback(3773, 50_000));
  const started = performance.now();
  const asked = Promise.all(Array.from({ length: 200 }, () => find(loopback(3773, 50_000))));
  const pauseMs = await longestPauseMs(asked);
  const tookMs = performance.now() - started;
  process.stdout.write(
    `100,000 sockets, 200 lookups: ${tookMs.toFixed(0)} ms, longest pause ${pauseMs.toFixed(1)} ms\n`,
  );
  expect(new Set(await asked)).toEqual(new Set([7001]));
  // A scan each would have been two hundred; a busy machine may make one of them slow.
  expect(tookMs).toBeLessThan(20_000);
  expect(pauseMs).toBeLessThan(tookMs / 2);
});

test("a connection from this host reaches the server if it is root's, and else nothing of it does", async () => {
  const log: string[] = [];
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(request.url ?? "");
    response.end("served");
  });
  admitConnections(server, (text) => log.push(text));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = async (uid: number) => {
    const program = `const s = require("net").connect(${port}, "127.0.0.1");
      s.write("GET /of-${uid} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n");
      s.on("error", () => {}); s.pipe(process.stdout);`;
    const child = spawn(process.execPath, ["-e", program], { uid, gid: uid, cwd: "/", env: {} });
    const text: string[] = [];
    child.stdout.on("data", (piece) => text.push(String(piece)));
    await once(child, "close");
    return text.join("").split("\r\n")[0];
  };
  expect([await ask(0), await ask(65_534), await ask(65_534)]).toEqual(["HTTP/1.1 200 OK", "", ""]);
  expect(heard).toEqual(["/of-0"]);
  // Whoever tries again and again does not fill the journal.
  expect(log).toEqual(["uid 65534 of this host connected and is not let in: only the ingress and root are"]);
  server.closeAllConnections();
  server.close();
});

test("a connection that breaks before it is accepted is logged, and the next one is served", async () => {
  const log: string[] = [];
  const server = createServer((_, response) => response.end("served"));
  const socket = join(folder, "listen.sock");
  listenAt(server, { socket }, (text) => log.push(text));
  await once(server, "listening");
  // As node reports what the kernel says of a connection that it cannot hand out.
  server.emit("error", new Error("accept EPROTO"));
  const [answer] = (await once(get({ socketPath: socket, agent: false }), "response")) as [IncomingMessage];
  expect([answer.resume().statusCode, log]).toEqual([200, ["a connection could not be accepted: accept EPROTO"]]);
  server.closeAllConnections();
  server.close();
});
