/** What other pages of a person's browser can make the three services do: raw requests and handshakes to each. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requestFilter } from "../../components/cluster/injector/proxy/request-filter.ts";
import { createInjectorServer } from "../../components/cluster/injector/proxy/server.ts";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { rootRequests } from "../../portal/page/root-requests.ts";
import { createPortal } from "../../portal/page/server.ts";
import { ORIGIN_CASES, OWN_ORIGIN } from "../clients/http/origin-cases.ts";

const folder = mkdtempSync(join(tmpdir(), "origin-"));
const path = (name: string) => join(folder, name);
const log: string[] = [];
const arrived: string[] = [];
const behind = createServer((asked, answer) => {
  arrived.push(`${asked.method} ${asked.url}`);
  asked.resume();
  answer.end("done");
});
behind.on("upgrade", (asked, socket) => {
  arrived.push(`socket ${asked.url}`);
  socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
});

const none = { header: undefined, refuse: () => undefined };
const say = (line: string) => void log.push(line);
const dispatch = dispatchAt(path("dispatch.json"));
const asked = (line: string) => {
  arrived.push(line);
  const people = line.startsWith("restore")
    ? [{ who: "ana", found: [] }]
    : [{ who: "ana", failed: "not in this test" }];
  return Promise.resolve(JSON.stringify({ people }));
};
const portal = createPortal({
  site: { host: "devvm", origin: OWN_ORIGIN },
  ingress: none,
  lists: {
    dispatch: { read: () => new Map([["ana@x", { os_user: "ana", port: 3773 }]]) },
    admins: path("admins"),
    log: say,
  },
  host: rootRequests(asked, Date.now),
});
const services: { server: Server; name: string; port: number }[] = [];

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  const port = await listen(behind);
  writeFileSync(path("dispatch.json"), JSON.stringify({ "ana@x": { os_user: userInfo().username, port } }));
  writeFileSync(path("admins"), "");
  const rules = { origin: OWN_ORIGIN, identityHeader: "X-authentik-username", handOn: { kind: "header" } as const };
  const tokens = new Map([["ana@x", "token-of-ana-0123456789"]]);
  const injector = createInjectorServer(
    requestFilter({ ...rules, tokens, passHeaders: [] }),
    { origin: new URL(`http://127.0.0.1:${port}`) },
    (line) => say(JSON.stringify(line)),
  );
  for (const [name, server] of [
    ["injector", injector.server],
    ["proxy", createCodeServerProxy({ dispatch, ingress: none, origin: OWN_ORIGIN, log: say })],
    ["proxy without the setting", createCodeServerProxy({ dispatch, ingress: none, log: say })],
    ["portal", portal],
  ] as const)
    services.push({ server, name, port: await listen(server) });
});
afterAll(() => {
  for (const server of [behind, ...services.map((one) => one.server)]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  arrived.length = 0;
});

async function send(name: string, start: string, lines: readonly string[]): Promise<{ status: number; text: string }> {
  const socket = connect(services.find((one) => one.name === name)?.port ?? 0, "127.0.0.1");
  const head = [`${start} HTTP/1.1`, "Host: code.site.test", "X-authentik-username: ana@x", ...lines];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  let text = "";
  socket.on("data", (piece) => (text += piece.toString()));
  await once(socket, "close", { signal: AbortSignal.timeout(5000) });
  return { status: Number(text.split(" ")[1]), text };
}

const HANDSHAKE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"];
const BODY = ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 0", "Connection: close"];
const linesOf = (headers: (typeof ORIGIN_CASES)[number]["headers"]) =>
  headers.map(([name, value]) => `${name}: ${value}`);
/** Which of them came through, and whether anything arrived behind them. */
const outcome = ({ status, text }: { status: number; text: string }) => ({
  in: status !== 403,
  behind: arrived.length > 0,
  says:
    status !== 403 ||
    text.includes("so nothing was done") ||
    text.includes("Content-Length: 0") ||
    text.includes("Refused"),
});

describe.each(["injector", "proxy", "proxy without the setting", "portal"])("the %s", (name) => {
  test.each(ORIGIN_CASES)("a POST with $name: own page $own", async ({ headers, own }) => {
    const answer = await send(name, "POST /restore", [...linesOf(headers), ...BODY]);
    expect(outcome(answer)).toEqual({ in: own, behind: own, says: true });
  });

  test.each(["PUT", "PATCH", "DELETE", "PROPFIND"])(
    "a %s that no page of its own made arrives nowhere",
    async (method) => {
      const answer = await send(name, `${method} /restore`, [...BODY, "Origin: https://tenant.site.test"]);
      expect([[403, 405].includes(answer.status), arrived]).toEqual([true, []]);
    },
  );

  test("what changes nothing needs no origin: a link from elsewhere works", async () => {
    const { status } = await send(name, "GET /", [
      ...["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
      "Connection: close",
    ]);
    expect(status).toBe(200);
  });
});

describe.each(["injector", "proxy", "proxy without the setting"])("the %s", (name) => {
  test.each(ORIGIN_CASES)("a handshake with $name: own page $own", async ({ headers, own }) => {
    const answer = await send(name, "GET /ws", [...HANDSHAKE, ...linesOf(headers)]);
    expect(answer.status).toBe(own ? 101 : 403);
    expect(arrived).toEqual(own ? ["socket /ws"] : []);
  });
});

test("where the ingress hides the host, the journal names the setting that is missing", () => {
  expect(log.join("\n")).toMatch(
    /a request or web socket from .* was refused: .* set workstation:devvm\.gate\.origin$/m,
  );
});

test("where the ingress ends TLS on another port, the host that the request names is enough", async () => {
  const name = "proxy without the setting";
  expect((await send(name, "POST /", ["Origin: http://code.site.test", ...BODY])).status).toBe(200);
  expect((await send("proxy", "POST /", ["Origin: http://code.site.test", ...BODY])).status).toBe(403);
});
