/**
 * Measures what others notice while one person floods the portal or the code-server proxy: how long their requests take,
 * and that each is answered. Bounded: loopback alone, a few seconds each.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { openLimit } from "../../clients/http/open-limit.ts";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { type SendRequest, rootRequests } from "../../portal/page/root-requests.ts";
import { rateLimit } from "../../portal/page/rate-limit.ts";
import { createPortal } from "../../portal/page/server.ts";

const FLOOD_MS = 3000;
/** What a machine may take that runs other tests beside; the figures that are printed are those of this run. */
const BUSY_MS = 3000;
const ORIGIN = "https://portal.example";
const folder = mkdtempSync(join(tmpdir(), "noise-"));
const path = (name: string) => join(folder, name);
const servers: Server[] = [];
const agent = new Agent({ keepAlive: true });
afterAll(() => {
  agent.destroy();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

const none = { header: undefined, refuse: () => undefined };
const log = () => undefined;
const listen = async (server: Server) => {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

async function ask(port: number, who: string, method = "GET", url = "/"): Promise<number> {
  const type = { "content-type": "application/json", origin: ORIGIN };
  const headers = { "x-authentik-username": who, ...(method === "GET" ? {} : type) };
  const sent = request({ host: "127.0.0.1", port, method, path: url, headers, agent });
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  return answer.statusCode ?? 0;
}

interface Measured {
  readonly statuses: ReadonlyMap<number, number>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Asks one after the other, with a pause between, until the time is over. */
async function measure(untilMs: number, one: () => Promise<number>, pauseMs = 0): Promise<Measured> {
  const took: number[] = [];
  const statuses = new Map<number, number>();
  while (performance.now() < untilMs) {
    const startedMs = performance.now();
    const status = await one();
    took.push(performance.now() - startedMs);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
  return { statuses, p50Ms: at(0.5), p99Ms: at(0.99) };
}

const merged = (all: readonly Measured[]) => ({
  statuses: [...new Set(all.flatMap(({ statuses }) => [...statuses.keys()]))].sort(),
  p50Ms: Math.max(...all.map(({ p50Ms }) => p50Ms)),
  p99Ms: Math.max(...all.map(({ p99Ms }) => p99Ms)),
});
const say = (what: string, { p50Ms, p99Ms }: ReturnType<typeof merged>) =>
  void process.stdout.write(`${what}: others' p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms\n`);

/** Root behind its socket: sixteen at a time, a look takes some time and a restore more. */
function root() {
  const asked: string[] = [];
  let open = 0;
  const answers: SendRequest = async (line) => {
    if (open >= 16) return "";
    open += 1;
    asked.push(line);
    const [verb, who = ""] = line.split(" ");
    await sleep(verb === "restore" ? 400 : 20);
    open -= 1;
    return JSON.stringify({ people: [verb === "restore" ? { who, found: [] } : { who, failed: "not in this test" }] });
  };
  return { asked, answers };
}

test("twenty loops of one person's restores cost the others nothing, and root is asked a few times", async () => {
  const people = ["ana", ...Array.from({ length: 8 }, (_, i) => `other${i}`)];
  const table = new Map(people.map((who) => [`${who}@x`, { os_user: who, port: 3773 }]));
  writeFileSync(path("admins"), "");
  const { asked, answers } = root();
  const portal = createPortal({
    site: { host: "devvm", origin: ORIGIN },
    ingress: none,
    lists: { dispatch: { read: () => table }, admins: path("admins"), log },
    host: rootRequests(answers, Date.now),
  });
  const port = await listen(portal);
  const untilMs = performance.now() + FLOOD_MS;
  const flood = Array.from({ length: 20 }, () => measure(untilMs, () => ask(port, "ana@x", "POST", "/restore")));
  await sleep(100);
  const others = merged(
    await Promise.all(people.slice(1).map((who) => measure(untilMs, () => ask(port, `${who}@x`), 50))),
  );
  const restored = ask(port, "other1@x", "POST", "/restore");
  say("20 loops of POST /restore", others);
  expect(others.statuses).toEqual([200]);
  expect(others.p99Ms).toBeLessThan(BUSY_MS);
  expect(merged(await Promise.all(flood)).statuses).toEqual([200, 429]);
  expect(await restored).toBe(200);
  const ofAna = asked.filter((line) => line === "restore ana");
  expect([ofAna.length > 0, ofAna.length <= 6]).toEqual([true, true]);
});

/** @returns the port of a portal that lets ana and bob in */
function portalOfTwo(answers: SendRequest = root().answers): Promise<number> {
  writeFileSync(path("admins"), "");
  const table = new Map(["ana", "bob"].map((who) => [`${who}@x`, { os_user: who, port: 3773 }]));
  const portal = createPortal({
    site: { host: "devvm", origin: ORIGIN },
    ingress: none,
    lists: { dispatch: { read: () => table }, admins: path("admins"), log },
    host: rootRequests(answers, Date.now),
  });
  return listen(portal);
}

test("one person who hammers at the page is slowed down, and nobody else is", async () => {
  const port = await portalOfTwo();
  const untilMs = performance.now() + FLOOD_MS;
  const flood = Array.from({ length: 20 }, () => measure(untilMs, () => ask(port, "ana@x")));
  const others = merged([await measure(untilMs, () => ask(port, "bob@x"), 60)]);
  say("20 loops of GET /", others);
  expect(others.statuses).toEqual([200]);
  expect(others.p99Ms).toBeLessThan(BUSY_MS);
  expect(merged(await Promise.all(flood)).statuses).toEqual([200, 429]);
});

test("of thousands of one person's requests at once a few hundred are held, and the next person's is answered", async () => {
  const port = await portalOfTwo();
  const line = (who: string) => `GET / HTTP/1.1\r\nHost: x\r\nX-authentik-username: ${who}@x\r\n\r\n`;
  // All of them are read before any pause is over.
  const sockets = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    }),
  );
  const texts = sockets.map(async (socket) => {
    const [piece] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return piece.toString();
  });
  for (const socket of sockets) socket.write(line("ana"));
  const other = ask(port, "bob@x");
  const answered = await Promise.all(texts);
  const count = (words: string) => answered.filter((text) => text.includes(words)).length;
  expect(await other).toBe(200);
  expect(count("200 requests open")).toBeGreaterThan(0);
  expect(count("That was asked for too often")).toBeGreaterThan(0);
});

/** The flooding person's browser, in a process of its own as it is in life. It ends by itself and says what it was answered. */
const FLOOD = `const http = require("http"), until = Date.now() + ${FLOOD_MS}, statuses = {};
const loop = () => new Promise((done) => {
  const one = () => Date.now() > until ? done() : http.get(
    { host: "127.0.0.1", port: Number(process.argv[1]), headers: { "x-authentik-username": "ana@x" } },
    (answer) => { statuses[answer.statusCode] = (statuses[answer.statusCode] || 0) + 1; answer.resume().on("end", one); });
  one();
});
Promise.all(Array.from({ length: 100 }, loop)).then(() => console.log(JSON.stringify(statuses)), () => process.exit(1));`;

test("a hundred loops to one code server, with thousands of sockets on the host, leave the others their answers", async () => {
  const idle = createTcpServer(() => undefined);
  idle.listen(0, "127.0.0.1");
  await once(idle, "listening");
  const idlePort = (idle.address() as AddressInfo).port;
  const held: Socket[] = [];
  for (let i = 0; i < 2000; i += 1) {
    const socket = connect(idlePort, "127.0.0.1");
    held.push(socket);
    await once(socket, "connect");
  }
  const program =
    'const s = require("http").createServer((_, r) => r.end("x")).listen(0, "127.0.0.1", () => console.log(s.address().port))';
  const ofAna = spawn(process.execPath, ["-e", program], { uid: 65_534, gid: 65_534, cwd: "/", env: {} });
  const [said] = (await once(ofAna.stdout, "data")) as [Buffer];
  const ofBob = await listen(createServer((_, response) => response.end("code server")));
  const table = {
    "ana@x": { os_user: "nobody", port: Number(said.toString()) },
    "bob@x": { os_user: userInfo().username, port: ofBob },
  };
  writeFileSync(path("dispatch.json"), JSON.stringify(table));
  const port = await listen(createCodeServerProxy({ dispatch: dispatchAt(path("dispatch.json")), ingress: none, log }));
  const quiet = merged([await measure(performance.now() + 500, () => ask(port, "bob@x"), 20)]);
  const flood = promisify(execFile)(process.execPath, ["-e", FLOOD, String(port)]);
  await sleep(300);
  const others = merged([await measure(performance.now() + FLOOD_MS - 600, () => ask(port, "bob@x"), 20)]);
  const statuses = JSON.parse((await flood).stdout) as Record<string, number>;
  ofAna.kill();
  for (const socket of held) socket.destroy();
  idle.close();
  say("without noise through the proxy", quiet);
  say(`100 loops through the proxy (${statuses[200]} requests), 4,000 sockets in the tables`, others);
  expect(Object.keys(statuses)).toEqual(["200"]);
  expect(others.statuses).toEqual([200]);
  expect(others.p99Ms).toBeLessThan(BUSY_MS);
});

test("a rate is counted for each person alone, and grows back", () => {
  let nowMs = 0;
  const limit = rateLimit({ burst: 2, everyMs: 10_000 }, () => nowMs);
  expect([limit.take("ana"), limit.take("ana"), limit.take("ana"), limit.take("bob")]).toEqual([0, 0, 10, 0]);
  nowMs = 9_000;
  expect(limit.take("ana")).toBe(1);
  nowMs = 10_000;
  expect([limit.take("ana"), limit.take("ana")]).toEqual([0, 10]);
  nowMs = 1_000_000;
  expect([limit.take("ana"), limit.take("ana"), limit.take("ana")]).toEqual([0, 0, 10]);
});

test("what one person has open is counted until it closes, and is theirs alone", () => {
  const limit = openLimit(2);
  const [first, second] = [createTcpServer(), createTcpServer()];
  expect([limit.enter("ana", first), limit.enter("ana", second)]).toEqual([true, true]);
  expect([limit.enter("ana", first), limit.enter("bob", first)]).toEqual([false, true]);
  second.emit("close");
  expect([limit.enter("ana", second), limit.enter("ana", second)]).toEqual([true, false]);
});

test("requests that wait on one connection count no more once it has gone", async () => {
  const port = await portalOfTwo(() => new Promise(() => undefined));
  // The look of the first never ends, so the others wait behind it.
  const lines = ["/", ...Array.from({ length: 49 }, () => "/style.css")].map(
    (url) => `GET ${url} HTTP/1.1\r\nHost: x\r\nX-authentik-username: ana@x\r\n\r\n`,
  );
  for (let burst = 0; burst < 5; burst += 1) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(lines.join(""));
    await sleep(200);
    socket.destroy();
    await once(socket, "close");
  }
  await sleep(200);
  const headers = { "x-authentik-username": "ana@x" };
  const text = await (await fetch(`http://127.0.0.1:${port}/style.css`, { headers })).text();
  expect(text).not.toContain("requests open");
});

/** Root, whose facts of ana have so many sessions. */
const largeFacts = (sessions: number, nameLength: number): SendRequest => {
  const known = { osUser: "ana", host: "devvm", state: "present", sessions: { recorded: [] }, failures: [] };
  const session = { name: "n".repeat(nameLength), state: "shell" };
  const records = Array.from({ length: Math.ceil(sessions / 500) }, (_, at) => ({
    ...{ number: at + 1, takenAtMs: 1 },
    sessions: Array.from({ length: Math.min(sessions, 500) }, () => session),
  }));
  const now = { sessions: { running: [] }, records, clones: [], memoryBytes: 1 };
  const found = JSON.stringify({ known, services: { t3: "active", browser: "active" }, now });
  return (line) => {
    if (line !== "facts ana") return root().answers(line);
    return Promise.resolve(`{"people":[{"who":"ana","found":${found}}]}`);
  };
};

/** A connection whose answer nobody reads. */
async function unread(port: number, who: string, url: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.pause();
  socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\nX-authentik-username: ${who}@x\r\n\r\n`);
  return socket;
}

test("a hundred pages of one person's large facts that nobody reads keep nobody else waiting", async () => {
  const port = await portalOfTwo(largeFacts(1000, 980));
  const sockets = await Promise.all(Array.from({ length: 100 }, () => unread(port, "ana", "/")));
  const startedMs = performance.now();
  expect(await ask(port, "bob@x")).toBe(200);
  const tookMs = performance.now() - startedMs;
  for (const socket of sockets) socket.destroy();
  process.stdout.write(`100 unread pages of 1,000 sessions: the next person waits ${tookMs.toFixed(1)} ms\n`);
  expect(tookMs).toBeLessThan(BUSY_MS);
});

test("one person's answers that nobody reads are limited, and count no more once their connection is gone", async () => {
  // More than the kernel takes for a connection that is not read.
  const port = await portalOfTwo(largeFacts(1000, 9000));
  const fetched = async (who: string, url: string, method = "GET") => {
    const headers = { "x-authentik-username": `${who}@x`, origin: ORIGIN, "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${port}${url}`, { method, headers });
    return { status: answer.status, text: await answer.text() };
  };
  const get = (who: string) => fetched(who, "/api/me");
  const held = await unread(port, "ana", "/api/me");
  await sleep(500);
  const refused = await get("ana");
  expect([refused.status, refused.text.includes("still being sent")]).toEqual([429, true]);
  const restored = await fetched("ana", "/restore", "POST");
  expect([restored.status, restored.text.includes("It was tried, and its outcome is not shown")]).toEqual([429, true]);
  expect((await get("bob")).status).toBe(200);
  held.destroy();
  await expect.poll(async () => (await get("ana")).status).toBe(200);
});
