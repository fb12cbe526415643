/**
 * Tests in the real processes that whatever one person's client or server sends, or fails to send, ends that exchange alone: the
 * process lives, another person's open web socket and requests go on, and nothing runs into the frames of a web socket.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "./terminal/fixture.ts";

const ORIGIN = "https://code.example";
const folder = mkdtempSync(join(tmpdir(), "broken-exchanges-"));
const path = (name: string) => join(folder, name);
const ignore = () => undefined;

/** Every server behind the proxies: bob's is an honest one, ana's does what a test says with what has arrived. */
let onAna: (socket: Socket) => void = ignore;
let ofAna: Socket[] = [];
const backend = createServer((socket) => {
  socket.on("error", ignore);
  socket.once("data", (head: Buffer) => {
    if (/bob/.test(head.toString("latin1"))) return answerBob(socket, head.toString("latin1"));
    ofAna.push(socket);
    onAna(socket);
  });
});

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

function answerBob(socket: Socket, head: string): void {
  if (!/^upgrade: websocket/im.test(head)) return void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbob");
  socket.write(SWITCHING);
  socket.pipe(socket);
}

/** A process that serves at a port of its own. */
interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  /** Bob's web socket, which is open all the time. */
  readonly bob: Client;
}

interface Client {
  readonly socket: Socket;
  text: string;
  closed: boolean;
}

function dial(port: number): Client {
  const client: Client = { socket: connect(port, "127.0.0.1"), text: "", closed: false };
  client.socket.on("error", ignore).on("close", () => (client.closed = true));
  client.socket.on("data", (piece: Buffer) => (client.text += piece.toString("latin1")));
  return client;
}

const as = (who: string, line: string, ...headers: readonly string[]) =>
  [
    `${line} HTTP/1.1`,
    "Host: code.example",
    `X-authentik-username: ${who}@x`,
    `Origin: ${ORIGIN}`,
    ...headers,
    "",
    "",
  ].join("\r\n");
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];
const handshake = (who: string) => as(who, "GET /socket", ...UPGRADE);

/** The code-server proxy as its unit starts it, and the injector's server with what its pod reads. */
const COMMANDS: Readonly<Record<string, (port: number) => readonly string[]>> = {
  "code-server proxy": (port) => {
    const entry = { os_user: userInfo().username, port: backendPort() };
    writeFileSync(path("dispatch.json"), JSON.stringify({ "ana@x": entry, "bob@x": entry }));
    const settings = { dispatch: path("dispatch.json"), listen: { address: "127.0.0.1", port }, origin: ORIGIN };
    writeFileSync(path("gate.json"), JSON.stringify(settings));
    return ["portal/code-server-proxy/main.ts", path("gate.json")];
  },
  injector: (port) => {
    const at = (name: string) => JSON.stringify(pathToFileURL(`components/cluster/injector/proxy/${name}.ts`).href);
    const rules = {
      origin: ORIGIN,
      identityHeader: "X-authentik-username",
      passHeaders: [],
      handOn: { kind: "header" },
    };
    writeFileSync(
      path("injector.mts"),
      `import { createInjectorServer } from ${at("server")};
import { requestFilter } from ${at("request-filter")};
const tokens = new Map([["ana@x", "token-of-ana"], ["bob@x", "token-of-bob"]]);
const filter = requestFilter({ ...${JSON.stringify(rules)}, tokens });
createInjectorServer(filter, { origin: new URL("http://127.0.0.1:${backendPort()}") }, () => {}).server.listen(${port}, "127.0.0.1");
`,
    );
    return [path("injector.mts")];
  },
};

const backendPort = () => (backend.address() as AddressInfo).port;

async function start(name: string): Promise<Program> {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  free.close();
  const command = COMMANDS[name]?.(port) ?? [];
  const loader = pathToFileURL("node_modules/tsx/dist/loader.mjs").href;
  const child = spawn(process.execPath, ["--import", loader, ...command], { stdio: ["ignore", "ignore", "ignore"] });
  for (;;) {
    const bob = dial(port);
    bob.socket.write(handshake("bob"));
    await Promise.race([once(bob.socket, "data"), once(bob.socket, "close")]).catch(ignore);
    if (bob.text.startsWith("HTTP/1.1 101 ")) return { child, port, bob };
    expect(child.exitCode).toBe(null);
    await sleep(100);
  }
}

beforeAll(async () => {
  backend.listen(0, "127.0.0.1");
  await once(backend, "listening");
});
afterAll(() => {
  backend.close();
  rmSync(folder, { recursive: true });
});

const PING = "ping of bob";

async function othersAreServed({ child, port, bob }: Program): Promise<void> {
  bob.text = "";
  bob.socket.write(PING);
  const asked = dial(port);
  asked.socket.write(as("bob", "GET /"));
  await until(() => child.exitCode !== null || (bob.text === PING && asked.text.endsWith("bob")), 3000);
  asked.socket.destroy();
  expect({ exit: child.exitCode, frames: bob.text, page: asked.text.slice(0, 15) }).toEqual({
    exit: null,
    frames: PING,
    page: "HTTP/1.1 200 OK",
  });
}

const heads = (text: string) => text.split(/HTTP\/1\.1 (?=\d)/).length - 1;
const get = as("ana", "GET /");
const head = as("ana", "HEAD /");
const post = as("ana", "POST /", "Content-Length: 100000");
const ws = handshake("ana");
const FORBIDDEN_TRAILER = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 0\r\n\r\n";

describe.each(Object.keys(COMMANDS))("the %s", (name) => {
  let program: Program | undefined;
  const running = () => program as Program;
  beforeEach(async () => {
    if (program?.child.exitCode !== null) program = await start(name);
    ofAna = [];
  });
  afterAll(() => {
    program?.bob.socket.destroy();
    program?.child.kill();
  });

  /** Ana's client sends this; her server answers that. */
  async function exchange(sent: string, answer: string): Promise<Client> {
    onAna = (socket) => (answer === "" ? socket.end() : socket.write(answer, "latin1"));
    const client = dial(running().port);
    client.socket.write(sent, "latin1");
    await until(() => client.text !== "" || client.closed, 3000);
    // What comes after the head comes at once.
    await sleep(60);
    client.socket.destroy();
    return client;
  }

  test.each([
    ["a page", "a status below 200", get, "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", "502"],
    ["a page", "a status above 599", get, "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", "502"],
    ["a page", "101 without a protocol", get, "HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\n\r\nfalse", "502"],
    ["a page", "101 with a protocol", get, SWITCHING, "502"],
    [
      "a page",
      "a trailer beside a length",
      get,
      "HTTP/1.1 200 OK\r\nTrailer: X\r\nContent-Length: 3\r\n\r\nabc",
      "200",
    ],
    ["a head", "a trailer", head, "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n", "200"],
    ["a page", "a forbidden trailer", get, `HTTP/1.1 200 OK\r\n${FORBIDDEN_TRAILER}`, "(200)?"],
    ["a page", "content where there is none", get, "HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\nabc", "204"],
    ["a page", "a second answer", get, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n", "200"],
    ["a page", "a value that no header has", get, "HTTP/1.1 200 OK\r\nX: \x7f\r\nContent-Length: 3\r\n\r\nabc", "502"],
    ["a page", "two lengths", get, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc", "502"],
    ["a page", "garbage", get, "\x00\x01\x02 no answer\r\n\r\n", "502"],
    ["a page", "nothing", get, "", "502"],
    ["an upload", "nothing", `${post}half`, "", "502"],
    ["a handshake", "a status below 200", ws, "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", "502"],
    ["a handshake", "304 with content", ws, "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabcd", "304"],
    ["a handshake", "204 with content", ws, "HTTP/1.1 204 X\r\nContent-Length: 4\r\n\r\nabcd", "204"],
    ["a handshake", "a forbidden trailer", ws, `HTTP/1.1 200 OK\r\n${FORBIDDEN_TRAILER}`, "200"],
    ["a handshake", "101 without a protocol", ws, "HTTP/1.1 101 Switching Protocols\r\n\r\nabc", "502"],
    ["a handshake", "another protocol", ws, SWITCHING.replace("websocket", "h2c"), "502"],
    [
      "a handshake",
      "a value that no header has",
      ws,
      SWITCHING.replace("\r\n\r\n", "\r\nSec-WebSocket-Accept: \x7f\r\n\r\n"),
      "502",
    ],
    ["a handshake", "garbage", ws, "\x00\x01\x02 no answer\r\n\r\n", "502"],
    ["a handshake", "nothing", ws, "", "502"],
  ])(
    "%s that is answered with %s gets one head at most, and others are served",
    async (_, __, sent, answer, status) => {
      const { text } = await exchange(sent, answer);
      expect(text.slice(9, 12)).toMatch(new RegExp(`^${status}$`));
      expect(heads(text)).toBe(text === "" ? 0 : 1);
      await othersAreServed(running());
    },
  );

  test.each([
    ["no URL", get.replace("GET /", "GET http://[")],
    ["an asterisk", get.replace("GET /", "OPTIONS *")],
    ["a tunnel", get.replace("GET /", "CONNECT x:1")],
    ["a path of other letters", get.replace("GET /", "GET /\xe4\xff")],
    ["a value that no header has", as("ana", "GET /", "X: \x7f")],
    ["an expectation", `${as("ana", "POST /", "Expect: 100-continue", "Content-Length: 3")}abc`],
    ["an unknown coding", `${as("ana", "POST /", "Transfer-Encoding: gzip, chunked")}0\r\n\r\n`],
    ["a trailer beside a length", `${as("ana", "POST /", "Trailer: X", "Content-Length: 3")}abc`],
    ["a handshake with an expectation", as("ana", "GET /", ...UPGRADE, "Expect: 100-continue", "Trailer: X")],
    ["a handshake of other letters", ws.replace("GET /", "GET /\xff")],
    ["garbage", "\x00\x01\r\n\r\n"],
  ])("a request with %s harms nobody else", async (_, sent) => {
    const { text, closed } = await exchange(sent, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    expect(closed || /^HTTP\/1\.1 (100|200|400|417|501|502) /.test(text)).toBe(true);
    await othersAreServed(running());
  });

  const flood = (socket: Socket) => {
    const timer = setInterval(() => socket.write("x".repeat(60_000)), 2);
    socket.on("close", () => clearInterval(timer));
  };
  const reset = (socket: Socket) => void socket.resetAndDestroy();
  const ACTS: readonly (readonly [string, (mine: Socket, other: Socket | undefined) => void])[] = [
    ["is reset", reset],
    ["ends", (mine) => void mine.end()],
    [
      "closes with data unread",
      (mine, other) => {
        mine.pause();
        if (other !== undefined) flood(other);
        setTimeout(() => mine.destroy(), 60);
      },
    ],
    [
      "is reset while it sends",
      (mine) => {
        flood(mine);
        setTimeout(() => reset(mine), 60);
      },
    ],
    [
      "sends garbage and is reset",
      (mine) => {
        mine.write("\x00\xff garbage");
        setTimeout(() => reset(mine), 20);
      },
    ],
  ];
  const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nhalf";
  const MOMENTS: readonly (readonly [string, string, string, boolean])[] = [
    ["before the head is whole", get.slice(0, 40), "", false],
    ["before the handshake is whole", ws.slice(0, -10), "", false],
    ["before the answer", get, "", true],
    ["during an upload", `${post}half`, "", true],
    ["before the handshake's answer", ws, "", true],
    ["during the answer", get, CHUNKED, true],
    ["once the web socket is open", ws, SWITCHING, true],
  ];
  const cases = MOMENTS.flatMap(([moment, sent, answer, arrives]) =>
    ACTS.flatMap(([act, run]) =>
      (arrives ? (["client", "server"] as const) : (["client"] as const)).map(
        (side) => [side, act, moment, { sent, answer, arrives, run }] as const,
      ),
    ),
  );
  test.each(cases)("a %s that %s %s takes nobody along", async (side, _, __, { sent, answer, arrives, run }) => {
    onAna = (socket) => void socket.write(answer);
    const client = dial(running().port);
    client.socket.write(sent);
    if (arrives) await until(() => ofAna.length === 1 && client.text.length >= answer.length / 2, 3000);
    else await sleep(60);
    const [remote] = ofAna;
    const before = client.text.length;
    if (side === "client") run(client.socket, remote);
    else if (remote !== undefined) run(remote, client.socket);
    const ended = () => (client.closed || /^HTTP.1.1 502 /.test(client.text)) && (remote?.destroyed ?? true);
    await until(() => ended() || running().child.exitCode !== null, 3000);
    expect(heads(client.text)).toBeLessThanOrEqual(1);
    // Nothing of the proxy's own is among the frames.
    if (answer === SWITCHING) expect(client.text.slice(before)).not.toContain("HTTP");
    client.socket.destroy();
    await othersAreServed(running());
  });

  test("an answer that is still under way does not run into a web socket on its connection", async () => {
    onAna = (socket) => void socket.write(CHUNKED);
    const client = dial(running().port);
    client.socket.write(get + ws);
    await until(() => client.closed, 3000);
    expect([client.closed, client.text.includes(" 101 ")]).toEqual([true, false]);
    await othersAreServed(running());
  });

  test("requests that wait for an answer on a connection end with it", async () => {
    onAna = ignore;
    const client = dial(running().port);
    const whole = `${as("ana", "POST /", "Content-Length: 4")}body`;
    client.socket.write(whole.repeat(20));
    await until(() => ofAna.length === 20, 3000);
    client.socket.destroy();
    await until(() => ofAna.every((socket) => socket.destroyed), 3000);
    expect(ofAna.map((socket) => socket.destroyed)).toEqual(Array.from({ length: 20 }, () => true));
    await othersAreServed(running());
  });
});
