/** The injector's program on the loopback, against a dashboard that writes down what reached it. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FilterRules, requestFilter } from "../../../components/cluster/injector/proxy/request-filter.ts";
import {
  type InjectorServer,
  createInjectorServer,
  MAX_OPEN_EACH,
} from "../../../components/cluster/injector/proxy/server.ts";
import { INJECTOR_CASES, KNOWN } from "./injector-cases.ts";
import { get, sendRaw } from "./raw-http.ts";

const tokenOf = (who: string) => `token-of-${who}-0123456789`;
const tokens = new Map<string, string>(KNOWN.map((who) => [who, tokenOf(who)]));
const ORIGIN = "https://dashboard.test";
const OWN = `Origin: ${ORIGIN}`;
const RULES: FilterRules = {
  origin: ORIGIN,
  identityHeader: "X-authentik-username",
  tokens,
  handOn: { kind: "header" },
  passHeaders: [],
};

let reached: { headers: IncomingHttpHeaders; raw: string[]; url: string | undefined }[] = [];
let log: string[] = [];
let dashboard: Server;
const fronts: InjectorServer[] = [];

beforeAll(async () => {
  dashboard = createServer((request, response) => {
    reached.push({ headers: request.headers, raw: request.rawHeaders, url: request.url });
    if (request.url?.startsWith("/watch")) return void response.write("event");
    if (request.url?.startsWith("/broken")) {
      response.writeHead(200, request.url === "/broken/length" ? { "content-length": 100 } : {});
      response.write("half", () => setTimeout(() => request.socket.destroy(), 20));
      return;
    }
    request.resume();
    request.on("end", () =>
      response
        .writeHead(200, {
          ...{ "set-cookie": "session=theirs", "cache-control": "public, max-age=60", "x-kept": "yes" },
          ...{ connection: "x-of-this-hop", "x-of-this-hop": "internal" },
        })
        .end("hello"),
    );
  });
  dashboard.on("upgrade", (request, socket, head) => {
    reached.push({ headers: request.headers, raw: request.rawHeaders, url: request.url });
    if (request.url === "/silent") return;
    if (request.url === "/no-socket") {
      socket.end("HTTP/1.1 404 Not Found\r\nSet-Cookie: session=theirs\r\nContent-Length: 4\r\n\r\nnope");
      return;
    }
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
    );
    socket.write(head);
    socket.pipe(socket);
  });
  dashboard.listen(0, "127.0.0.1");
  await once(dashboard, "listening");
});

afterAll(async () => {
  for (const front of fronts) await front.drain(0, 0);
  dashboard.closeAllConnections();
  dashboard.close();
});

beforeEach(() => {
  reached = [];
  log = [];
});

async function injector(rules: Partial<FilterRules> = {}): Promise<{ port: number; front: InjectorServer }> {
  const origin = new URL(`http://127.0.0.1:${(dashboard.address() as AddressInfo).port}`);
  const front = createInjectorServer(requestFilter({ ...RULES, ...rules }), { origin }, (line) =>
    log.push(JSON.stringify(line)),
  );
  fronts.push(front);
  front.server.listen(0, "127.0.0.1");
  await once(front.server, "listening");
  return { port: (front.server.address() as AddressInfo).port, front };
}

const lines = (raw: readonly string[], name: string) =>
  raw.filter((word, i) => i % 2 === 0 && word.toLowerCase() === name);

test("another page that fetches in a loop uses up nothing of what its reader may have open", async () => {
  const { port } = await injector();
  const foreign = ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"];
  const watches = Array.from({ length: MAX_OPEN_EACH + 1 }, () =>
    get("/watch", "X-authentik-username: alice", ...foreign),
  );
  const answers = await Promise.all(watches.map((bytes) => sendRaw({ port }, bytes, 5_000)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
  expect(answers[0]?.text).toContain(`This was not asked for by a page of ${ORIGIN}`);
  expect(reached).toEqual([]);
  expect((await sendRaw({ port }, get("/", "X-authentik-username: alice"))).status).toBe(200);
});

describe("one request at a time", () => {
  test.each(INJECTOR_CASES)("$kind: $name", async ({ bytes, status, arrives }) => {
    const { port } = await injector();
    const answer = await sendRaw({ port }, bytes);
    expect(status).toContain(answer.status);
    expect(reached.map(({ headers }) => headers.authorization)).toEqual(arrives.map((who) => `Bearer ${tokenOf(who)}`));
    for (const { raw, headers } of reached) {
      expect(lines(raw, "authorization")).toHaveLength(1);
      const foreign = Object.keys(headers).filter((name) =>
        /^(impersonate|x-remote|cookie|proxy-|x.authentik)/.test(name),
      );
      expect(foreign).toEqual([]);
    }
    expect([...log, answer.text].join("\n")).not.toMatch(/token-of|stolen/);
  });
});

test("an answer is nobody else's: no cookie passes and nothing on the way may keep it", async () => {
  const { port } = await injector();
  const { text } = await sendRaw({ port }, get("/", "X-authentik-username: alice"));
  expect(text).toContain("x-kept: yes");
  expect(text).toContain("cache-control: no-store");
  expect(text).not.toMatch(/set-cookie|public/);
});

test("what the dashboard says for one connection alone is not handed back", async () => {
  const { port } = await injector();
  const { text } = await sendRaw({ port }, get("/", "X-authentik-username: alice"));
  expect(text).not.toContain("x-of-this-hop");
});

test.each(["/broken/chunked", "/broken/length"])(
  "an answer that breaks off ends the connection, so that nobody takes it for whole: %s",
  async (path) => {
    const { port } = await injector();
    const socket = connect({ port, host: "127.0.0.1" });
    let text = "";
    socket.on("data", (part) => {
      text += part.toString();
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: d\r\nX-authentik-username: alice\r\n\r\n`);
    await once(socket, "end", { signal: AbortSignal.timeout(5_000) });
    expect(text).toContain("half");
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
  },
);

test.each(["/a/../b?x=%2e%2e//y", "//elsewhere.test/x", "/%2e%2e/"])(
  "the dashboard gets the very path that the log names: %s",
  async (path) => {
    const { port } = await injector();
    await sendRaw({ port }, get(path, "X-authentik-username: alice"));
    expect(reached.map(({ url }) => url)).toEqual([path]);
  },
);

test("the token is handed on as the cookie that Headlamp takes, and then not as a header", async () => {
  const { port } = await injector({ handOn: { kind: "cookie", name: "headlamp-auth-main.0" } });
  await sendRaw(
    { port },
    get("/", "X-authentik-username: alice", "Cookie: headlamp-auth-main.0=stolen", "Authorization: Bearer stolen"),
  );
  expect(reached.map(({ headers }) => headers.cookie)).toEqual([`headlamp-auth-main.0=${tokenOf("alice")}`]);
  expect(reached.map(({ headers }) => headers.authorization)).toEqual([undefined]);
});

describe("the shared secret", () => {
  const accepted = ["of-the-ingress-0123456789", "of-the-ingress-until-now-0123"];
  const rules = { sharedSecret: { header: "X-Injector-Secret", accepted } };
  test.each([
    ["none", [], 403],
    ["a wrong one", ["X-Injector-Secret: wrong"], 403],
    [
      "the right one twice",
      ["X-Injector-Secret: of-the-ingress-0123456789", "X-Injector-Secret: of-the-ingress-0123456789"],
      400,
    ],
    ["a look-alike", ["X_Injector_Secret: of-the-ingress-0123456789"], 400],
    ["the right one", ["X-Injector-Secret: of-the-ingress-0123456789"], 200],
    ["the former one, while it is rotated", ["X-Injector-Secret: of-the-ingress-until-now-0123"], 200],
  ])("%s", async (_, sent, status) => {
    const { port } = await injector(rules);
    const answer = await sendRaw({ port }, get("/", "X-authentik-username: alice", ...sent));
    expect(answer.status).toBe(status);
    expect(reached.flatMap(({ raw }) => lines(raw, "x-injector-secret"))).toEqual([]);
  });
});

describe("the admitted groups", () => {
  const rules = { admitted: { header: "X-authentik-groups", separator: "|", groups: ["kubernetes-admins"] } };
  test.each([
    ["no group", [], 403],
    ["other groups", ["X-authentik-groups: users|kubernetes-admins-not"], 403],
    ["two lists", ["X-authentik-groups: users", "X-authentik-groups: kubernetes-admins"], 400],
    ["one of them", ["X-authentik-groups: users|kubernetes-admins"], 200],
  ])("%s", async (_, sent, status) => {
    const { port } = await injector(rules);
    expect((await sendRaw({ port }, get("/", "X-authentik-username: alice", ...sent))).status).toBe(status);
  });
});

describe("web sockets", () => {
  const handshake = (...more: readonly string[]) =>
    get(
      "/ws",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      ...more,
    );

  test("what is sent comes back, as the map's identity and not with the client's own token", async () => {
    const { port } = await injector();
    const forged = "Sec-WebSocket-Protocol: v4.channel, base64url.bearer.authorization.k8s.io.c3RvbGVu";
    const answer = await sendRaw({ port }, [
      handshake("X-authentik-username: alice", "Authorization: Bearer stolen", forged, OWN),
      "ping-1",
      "ping-2",
    ]);
    expect(answer.status).toBe(101);
    expect(answer.text).toContain("ping-1ping-2");
    expect(reached.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${tokenOf("alice")}`]);
    expect(reached.map(({ headers }) => headers["sec-websocket-protocol"])).toEqual(["v4.channel"]);
  });

  test.each([
    ["without an identity", handshake(OWN), 401],
    ["with an unknown one", handshake("X-authentik-username: mallory", OWN), 403],
    ["with a body", handshake("X-authentik-username: alice", "Content-Length: 4", OWN), 400],
  ])("none is opened %s", async (_, bytes, status) => {
    const { port } = await injector();
    expect((await sendRaw({ port }, bytes)).status).toBe(status);
    expect(reached).toEqual([]);
  });

  test("a dashboard that opens none is answered with its status and nothing else of it", async () => {
    const { port } = await injector();
    const refused = handshake("X-authentik-username: alice", OWN).toString().replace("/ws", "/no-socket");
    const { status, text } = await sendRaw({ port }, refused);
    expect(status).toBe(404);
    expect(text).not.toMatch(/set-cookie|nope/i);
  });

  test("of one identity so many are open and one more is refused, while another's requests are served", async () => {
    const { port } = await injector();
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => warnings.push(message);
    process.on("warning", onWarning);
    const sockets = await Promise.all(
      Array.from({ length: MAX_OPEN_EACH }, async () => {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.write(handshake("X-authentik-username: alice", OWN));
        const [piece] = (await once(socket, "data")) as [Buffer];
        expect(piece.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
        return socket;
      }),
    );
    const ofAlice = () => sendRaw({ port }, get("/", "X-authentik-username: alice"));
    const one = await sendRaw({ port }, handshake("X-authentik-username: alice", OWN));
    expect([one.status, (await ofAlice()).status]).toEqual([429, 429]);
    expect((await ofAlice()).text).toContain("Close some tabs.");
    expect((await sendRaw({ port }, get("/", "X-authentik-username: bob"))).status).toBe(200);
    sockets[0]?.destroy();
    await expect.poll(async () => (await ofAlice()).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    process.off("warning", onWarning);
    // Node warns of each socket that has more than ten listeners for one event.
    expect(warnings).toEqual([]);
  });

  test("one that the dashboard has not answered, and a watch, end when their pod goes", async () => {
    const { port, front } = await injector();
    const silent = connect({ port, host: "127.0.0.1" });
    silent.write(handshake("X-authentik-username: alice", OWN).toString().replace("/ws", "/silent"));
    const watch = connect({ port, host: "127.0.0.1" });
    watch.write(get("/watch", "X-authentik-username: alice"));
    await once(watch, "data");
    await expect.poll(() => reached.length).toBe(2);
    const closed = Promise.all([silent, watch].map((socket) => once(socket.resume(), "close")));
    const startedMs = performance.now();
    await front.drain(10, 200);
    await closed;
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test("an open one ends when its pod goes", async () => {
    const { port, front } = await injector();
    const socket = connect({ port, host: "127.0.0.1" });
    socket.write(handshake("X-authentik-username: alice", OWN));
    await once(socket, "data");
    const closed = once(socket, "close");
    await front.drain(10, 200);
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});

test("a request that is under way when the pod goes is finished, and the connection not used again", async () => {
  const { port, front } = await injector();
  const asked = sendRaw({ port }, [
    `POST / HTTP/1.1\r\nHost: d\r\nX-authentik-username: alice\r\n${OWN}\r\nContent-Length: 4\r\n\r\n`,
    "ab",
    "cd",
  ]);
  await new Promise((next) => setTimeout(next, 15));
  await front.drain(100, 2_000);
  const answer = await asked;
  expect(answer.status).toBe(200);
});

test("a client that never ends its header is sent away and others are served meanwhile", async () => {
  const { port, front } = await injector();
  front.server.headersTimeout = 300;
  const slow = sendRaw({ port }, "GET / HTTP/1.1\r\nHost: d\r\n", 4_500);
  expect((await sendRaw({ port }, get("/", "X-authentik-username: alice"))).status).toBe(200);
  expect((await slow).status).toBe(408);
});

test("a dashboard that is not there is said, and nothing of the token with it", async () => {
  const front = createInjectorServer(requestFilter(RULES), { origin: new URL("http://127.0.0.1:9") }, () => undefined);
  fronts.push(front);
  front.server.listen(0, "127.0.0.1");
  await once(front.server, "listening");
  const { port } = front.server.address() as AddressInfo;
  const answer = await sendRaw({ port }, get("/", "X-authentik-username: alice"));
  expect(answer.status).toBe(502);
  expect(answer.text).not.toContain("token-of");
});
