/** Terminals between a browser and a user's service: who gets one, what goes through, and that nothing grows without end. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { MOST_TERMINALS } from "../../../agent/shared/terminal/protocol.ts";
import { checkOf, keepConnected, type State } from "../../../portal/terminal/browser/connection.ts";
import { ATTACH, OWN_PAGE, SIGNED_IN, startTerminals, type Terminals, until } from "./fixture.ts";

let at: Terminals;
afterEach(() => at.stop());

const attached = async (browser: WebSocket) => {
  await once(browser, "open");
  await until(() => at.clients.length > 0 && at.clients.at(-1)?.closed === false);
  return at.clients.at(-1) ?? expect.fail("no client");
};

test("keys, sizes and output go through as they are, and the tmux client ends with its tab alone", async () => {
  at = await startTerminals();
  const browser = at.open();
  const client = await attached(browser);
  expect(client.sizes).toEqual([{ cols: 80, rows: 24 }]);
  browser.send(Buffer.from("ls ü\r"));
  browser.send(JSON.stringify({ resize: { cols: 120, rows: 40 } }));
  await until(() => client.sizes.length === 2);
  expect([client.typed, client.sizes.at(-1)]).toEqual([["ls ü\r"], { cols: 120, rows: 40 }]);
  client.output.write("\x1b[1mfiles\r\n");
  const [data, isBinary] = (await once(browser, "message")) as [Buffer, boolean];
  expect([data.toString(), isBinary]).toEqual(["\x1b[1mfiles\r\n", true]);
  const other = at.open();
  const second = await attached(other);
  browser.close();
  await until(() => client.closed);
  expect([second.closed, at.clients.length]).toEqual([false, 2]);
  second.output.end();
  const [code] = (await once(other, "close")) as [number];
  expect(code).toBe(4000);
});

test.each([
  ["without a sign-in", OWN_PAGE.slice(0, 2), 403],
  ["with a forged sign-in and no secret of the ingress", OWN_PAGE.slice(2), 403],
  ["signed in twice", [...OWN_PAGE, "X-authentik-username", "parked@x"], 403],
  ["with a look-alike header", [...OWN_PAGE, "X_authentik_username", "parked@x"], 403],
  ["of nobody's", ["X-Ingress-Secret", OWN_PAGE[1] ?? "", "X-authentik-username", "eve@x"], 403],
  ["from a page of another site", [...SIGNED_IN, "Origin", "https://evil.example"], 403],
  ["from a tenant's page on a sibling host", [...SIGNED_IN, "Origin", "https://app.lobby.example"], 403],
  ["that names no origin", SIGNED_IN, 403],
  ["of another page, whatever its origin", [...OWN_PAGE, "Sec-Fetch-Site", "same-site"], 403],
  [
    "of somebody who is parked",
    [...OWN_PAGE.slice(0, 2), "X-authentik-username", "parked@x", ...OWN_PAGE.slice(4)],
    409,
  ],
])("a web socket %s is refused, and no service is spoken to", async (_, headers, status) => {
  at = await startTerminals();
  expect((await at.handshake(headers)).status).toBe(status);
  expect(at.clients).toEqual([]);
});

test("another path, another key and a service that is away are refused", async () => {
  at = await startTerminals();
  expect((await at.handshake(OWN_PAGE, "/terminal/sockets")).status).toBe(404);
  expect((await at.handshake(OWN_PAGE, "/")).status).toBe(404);
  at.deliver({ "ana@x": { os_user: "emo", port: 4000 } });
  expect((await at.handshake(OWN_PAGE)).status).toBe(502);
  expect(at.log.at(-1)).toMatch(/^emo: the terminal service failed: connect ENOENT/);
});

test("a page that is still under way does not run into a terminal on its connection", async () => {
  at = await startTerminals();
  const socket = connect(at.port, "127.0.0.1");
  let text = "";
  socket.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
  const own = [
    "Host: lobby.example",
    ...OWN_PAGE.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${OWN_PAGE[i + 1]}`] : [])),
  ];
  const handshake = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const asked = (path: string, lines: readonly string[]) => `GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  socket.write(asked("/", own) + asked(ATTACH, [...own, ...handshake, key]));
  await once(socket, "close", { signal: AbortSignal.timeout(5000) });
  expect(text).not.toContain(" 101 ");
  expect(at.clients).toEqual([]);
});

test("the service is told nothing of the sign-in, and its answer brings no header of its own", async () => {
  at = await startTerminals();
  const heard: string[][] = [];
  const theirs: Server = createServer().on("upgrade", ({ rawHeaders, url }, socket) => {
    heard.push([url ?? "", ...rawHeaders]);
    const accept = heard.length === 1 ? "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" : "x\tSet-Cookie: a=b";
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: a=b\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  rmSync(at.socketOf("ana"));
  theirs.listen(at.socketOf("ana"));
  await once(theirs, "listening");
  const { status, head } = await at.handshake([...OWN_PAGE, "Cookie", "session=1"]);
  expect(status).toBe(101);
  expect(head.split("\r\n").slice(1)).toEqual([
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  ]);
  const told = heard[0]?.join("\n").toLowerCase() ?? "";
  expect(told).toContain("/attach?session=dev&cols=80&rows=24\n");
  for (const secret of ["authentik", "ingress", "cookie", "origin"]) expect(told).not.toContain(secret);
  expect((await at.handshake(OWN_PAGE)).status).toBe(502);
  theirs.close();
});

test.each([
  ["parked", { "ana@x": { os_user: "ana", port: 4000, parked: true } }, 409],
  ["offboarded", {}, 403],
  ["given another account", { "ana@x": { os_user: "emo", port: 4000 } }, 502],
])("an open terminal of somebody who is %s ends within moments, and no other comes", async (_, table, status) => {
  at = await startTerminals();
  const browser = at.open();
  const client = await attached(browser);
  const startedMs = Date.now();
  at.deliver(table);
  await once(browser, "close");
  expect(Date.now() - startedMs).toBeLessThan(5000);
  await until(() => client.closed);
  expect((await at.handshake(OWN_PAGE)).status).toBe(status);
});

test("why a session cannot be looked for is told before the connection is closed", async () => {
  at = await startTerminals();
  const socket = at.open({ path: "/terminal/socket?session=lost&cols=80&rows=24" });
  const told: string[] = [];
  socket.on("message", (data) => told.push(String(data)));
  const [code] = (await once(socket, "close")) as [number];
  const why = "their tmux server lives, and its socket is gone";
  expect([code, told, at.log]).toEqual([4500, [JSON.stringify({ why })], [why]]);
});

test("a session that does not run, a size that is none and one terminal too many are told apart", async () => {
  at = await startTerminals(2);
  const codeOf = async (path: string) => {
    const [code] = (await once(at.open({ path }), "close")) as [number];
    return code;
  };
  expect(await codeOf("/terminal/socket?session=gone&cols=80&rows=24")).toBe(4004);
  expect(await codeOf("/terminal/socket?session=dev&cols=0&rows=24")).toBe(4004);
  expect(await codeOf("/terminal/socket?session=dev&cols=80&rows=99999999")).toBe(4004);
  const [one, two] = [at.open(), at.open()];
  await Promise.all([once(one, "open"), once(two, "open")]);
  expect(await codeOf(ATTACH)).toBe(4029);
  one.terminate();
  await until(() => at.clients.some(({ closed }) => closed));
  await attached(at.open());
});

/** The page's own connection, to the portal's web socket. */
function page() {
  const states: State[] = [];
  const connection = keepConnected({
    open(events) {
      const socket = at.open();
      // A refused handshake; its close follows.
      socket.on("error", () => undefined);
      socket.on("message", (data: Buffer, isBinary) => (isBinary ? events.bytes(data) : events.text(String(data))));
      socket.on("close", (code) => events.closed(code));
      return { send: (data) => socket.send(data), close: () => socket.close() };
    },
    check: async () => "ready",
    show: (state) => states.push(state),
    output: () => undefined,
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
    random: Math.random,
  });
  connection.start();
  return states;
}

test("every page with one terminal too many says so, however many come at once", async () => {
  at = await startTerminals();
  const open = Array.from({ length: MOST_TERMINALS }, () => at.open());
  await Promise.all(open.map((browser) => once(browser, "open")));
  const pages = Array.from({ length: 24 }, page);
  const refused = { is: "refused", why: "You have too many terminals open. Close some." };
  await until(() => pages.every((states) => states.at(-1)?.is === "refused"));
  expect(pages.map((states) => states.at(-1))).toEqual(pages.map(() => refused));
  expect(at.clients.length).toBe(MOST_TERMINALS);
});

test("output without end waits for the browser, and a browser that draws gets all of it", async () => {
  at = await startTerminals();
  const browser = at.open();
  const client = await attached(browser);
  let received = 0;
  browser.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) received += data.length;
  });
  const piece = Buffer.alloc(16 * 1024, "y");
  const total = 8 * 1024 * 1024;
  let written = 0;
  const feed = () => {
    while (written < total && client.output.write(piece)) written += piece.length;
    if (written < total) client.output.once("drain", feed);
  };
  feed();
  await until(() => received >= 512 * 1024);
  await new Promise((resolve) => setTimeout(resolve, 300));
  // Nothing more than the window and one piece, and the program behind it is kept waiting.
  expect(received).toBeLessThanOrEqual(512 * 1024 + piece.length);
  expect(written).toBeLessThan(1024 * 1024);
  let drawn = 0;
  const draw = setInterval(() => {
    if (received > drawn) browser.send(JSON.stringify({ drawn: received - drawn }));
    drawn = received;
  }, 1);
  await until(() => received >= total - piece.length, 20_000);
  clearInterval(draw);
});

test.each([
  ["a message of another form", "hello"],
  ["a size beyond all screens", JSON.stringify({ resize: { cols: 1e9, rows: 2 } })],
  ["a report that takes something back", JSON.stringify({ drawn: -5 })],
  ["a control message with more in it", JSON.stringify({ drawn: 5, command: "x" })],
])("%s ends the connection", async (_, message) => {
  at = await startTerminals();
  const browser = at.open();
  const client = await attached(browser);
  browser.send(message);
  const [code] = (await once(browser, "close")) as [number];
  expect(code).toBe(1008);
  await until(() => client.closed);
});

test("a message above the limit ends the connection and reaches no terminal", async () => {
  at = await startTerminals();
  const browser = at.open();
  const client = await attached(browser);
  browser.send(Buffer.alloc(64 * 1024 + 1, "a"));
  const [code] = (await once(browser, "close")) as [number];
  expect([code, client.typed]).toEqual([1009, []]);
});

test("a thousand reconnects are slowed down, leave nothing behind, and keep nobody else waiting", async () => {
  at = await startTerminals();
  at.deliver({ "ana@x": { os_user: "ana", port: 4000 }, "bob@x": { os_user: "bob", port: 4001 } });
  const waits: number[] = [];
  let isOver = false;
  const others = (async () => {
    while (!isOver) {
      const startedMs = Date.now();
      const asBob = ["X-Ingress-Secret", OWN_PAGE[1] ?? "", "X-authentik-username", "bob@x", "Origin", at.origin];
      // Bob has no service here: the answer comes as soon as he has been looked at.
      await at.handshake(asBob);
      waits.push(Date.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const statuses: number[] = [];
  for (let batch = 0; batch < 50; batch += 1)
    statuses.push(
      ...(await Promise.all(Array.from({ length: 20 }, async () => (await at.handshake(OWN_PAGE)).status))),
    );
  isOver = true;
  await others;
  const admitted = statuses.filter((status) => status === 101).length;
  expect([statuses.length, new Set(statuses)]).toEqual([1000, new Set([101, 429])]);
  expect(admitted).toBeLessThan(200);
  await until(() => at.clients.every(({ closed }) => closed));
  expect(waits.sort((a, b) => a - b).at(-1)).toBeLessThan(1000);
}, 60_000);

test("the service ends when nothing has been open for a while, and not before", async () => {
  at = await startTerminals(32, 150);
  const browser = at.open();
  await attached(browser);
  const before = at.idle();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(at.idle()).toBe(before);
  browser.close();
  await until(() => at.idle() === before + 1);
});

test("a new session is started by the page's own form alone, and its terminal opens", async () => {
  at = await startTerminals();
  expect(await at.post("name=fix-42")).toEqual({ status: 303, location: "/terminal?session=fix-42" });
  expect(await at.post("name=")).toEqual({ status: 303, location: "/terminal?session=work-1" });
  const json = [...OWN_PAGE, "Content-Type", "application/json"];
  expect(await at.post('{"name":"fix-43"}', json)).toEqual({ status: 303, location: "/terminal?session=fix-43" });
  expect(await at.post("", json)).toEqual({ status: 303, location: "/terminal?session=work-1" });
  for (const body of ['{"name":"$(reboot)"}', '{"name":5}', "{"]) expect((await at.post(body, json)).status).toBe(400);
  expect((await at.post("name=taken")).status).toBe(409);
  expect((await at.post(`name=${encodeURIComponent("$(reboot)")}`)).status).toBe(400);
  const form = ["Content-Type", "application/x-www-form-urlencoded"];
  expect((await at.post("name=a", [...SIGNED_IN, ...form, "Origin", "https://evil.example"])).status).toBe(403);
  at.deliver({ "ana@x": { os_user: "ana", port: 4000, parked: true } });
  expect((await at.post("name=a")).status).toBe(409);
  expect(at.log.filter((line) => line.includes("started"))).toEqual([
    "ana: session fix-42 started, asked for by ana@x",
    "ana: session work-1 started, asked for by ana@x",
    "ana: session fix-43 started, asked for by ana@x",
    "ana: session work-1 started, asked for by ana@x",
  ]);
});

test("a service that nothing listens for is named with its remedy, and a page that asks again stops with it", async () => {
  at = await startTerminals();
  const look = async () => {
    const headers = SIGNED_IN.flatMap((name, i): [string, string][] =>
      i % 2 === 0 ? [[name, SIGNED_IN[i + 1] ?? ""]] : [],
    );
    return await fetch(`http://127.0.0.1:${at.port}/terminal?session=dev`, { headers });
  };
  expect(checkOf(await look())).toBe("ready");
  rmSync(at.socketOf("ana"));
  const answer = await look();
  expect([answer.status, await answer.text()]).toEqual([424, expect.stringContaining("Press Restore sessions")]);
  expect(checkOf(answer)).toEqual({
    refused: expect.stringMatching(/failed too often, or .* not set it up yet.*Press Restore sessions/),
  });
  expect((await at.post("name=a")).status).toBe(424);
});

test("a client that leaves before its service has answered takes the request to it along, and is no failure", async () => {
  at = await startTerminals();
  rmSync(at.socketOf("ana"));
  const asked: { readonly socket: Duplex; text: string }[] = [];
  const theirs = createServer().on("upgrade", (_, socket: Duplex) => {
    const mine = { socket, text: "" };
    socket.on("error", () => undefined).on("data", (piece: Buffer) => (mine.text += piece.toString("latin1")));
    socket.on("end", () => socket.destroy());
    asked.push(mine);
  });
  theirs.listen(at.socketOf("ana"));
  await once(theirs, "listening");
  const send = () => {
    const socket = connect(at.port, "127.0.0.1");
    const key = ["Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="];
    const all = ["Host", "lobby.example", "Connection", "Upgrade", "Upgrade", "websocket", ...key, ...OWN_PAGE];
    const lines = all.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : []));
    socket.write(`GET ${ATTACH} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\nearly `);
    return socket;
  };
  const first = send();
  await until(() => asked.length === 1);
  first.end();
  await until(() => asked[0]?.socket.destroyed === true, 3000);
  expect(at.log.filter((line) => line.includes("failed"))).toEqual([]);
  const second = send();
  let received = "";
  second.on("data", (piece: Buffer) => (received += piece.toString("latin1")));
  await until(() => asked.length === 2);
  second.write("later");
  await new Promise((resolve) => setTimeout(resolve, 50));
  const accept = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  asked[1]?.socket.write(`HTTP/1.1 101 Switching Protocols\r\n${accept}\r\n\r\nfirst`);
  await until(() => asked[1]?.text === "early later" && received.endsWith("\r\n\r\nfirst"), 3000);
  expect([asked[1]?.text, received.split("\r\n\r\n")[1]]).toEqual(["early later", "first"]);
  second.destroy();
  await until(() => asked[1]?.socket.destroyed === true, 3000);
  theirs.close();
});
