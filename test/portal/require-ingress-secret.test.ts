/** The secret of the ingress before both services: which requests carry it, how it is rotated, and what is told of it. */
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { ingressGuard } from "../../portal/require-ingress-secret.ts";
import { rootRequests } from "../../portal/page/root-requests.ts";
import { createPortal } from "../../portal/page/server.ts";

const NOW = "secret-of-the-ingress-0123456789abcdef";
const FORMER = "former-secret-of-the-ingress-0123456789";
const folder = mkdtempSync(join(tmpdir(), "ingress-"));
const path = (name: string) => join(folder, name);
const deliver = (text: string) => {
  writeFileSync(path("secret.new"), text);
  renameSync(path("secret.new"), path("secret"));
};

let log: string[] = [];
let nowMs = 0;
const guard = ingressGuard(
  { address: "10.0.0.5", port: 8900 },
  { header: "X-Ingress-Secret", file: path("secret") },
  (line) => log.push(line),
  () => nowMs,
);
const arrived: IncomingHttpHeaders[] = [];
const code = createServer((asked, answer) => {
  arrived.push(asked.headers);
  answer.end("code server");
});
code.on("upgrade", (asked, socket) => {
  arrived.push(asked.headers);
  socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
});
const dispatch = dispatchAt(path("dispatch.json"));
const gate = createCodeServerProxy({ dispatch, ingress: guard, log: (line) => log.push(line) });
const asked: string[] = [];
const ask = (line: string) => {
  asked.push(line);
  return Promise.reject(new Error("not in this test"));
};
const lobby = createPortal({
  site: { host: "devvm", origin: "https://lobby.example" },
  ingress: guard,
  lists: { dispatch, admins: path("admins"), log: (line) => log.push(line) },
  host: rootRequests(ask, () => nowMs),
});

const listen = async (server: Server) => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};
const ports = { gate: 0, lobby: 0 };
beforeAll(async () => {
  const port = await listen(code);
  writeFileSync(path("dispatch.json"), JSON.stringify({ "ana@x": { os_user: userInfo().username, port } }));
  writeFileSync(path("admins"), "");
  ports.gate = await listen(gate);
  ports.lobby = await listen(lobby);
});
afterAll(() => {
  for (const server of [gate, lobby, code]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  deliver(JSON.stringify([NOW, FORMER]));
  arrived.length = 0;
  asked.length = 0;
  log = [];
  nowMs += 60_000;
});

/** The status, and the whole answer, of a request written byte by byte. */
async function send(port: number, lines: readonly string[], path = "/"): Promise<{ status: number; text: string }> {
  const socket = connect(port, "127.0.0.1");
  const head = [`GET ${path} HTTP/1.1`, "Host: x", "X-authentik-username: ana@x", ...lines];
  socket.write(
    `${[...head, ...(lines.includes("Upgrade: websocket") ? [] : ["Connection: close"])].join("\r\n")}\r\n\r\n`,
  );
  let text = "";
  socket.on("data", (piece) => (text += piece.toString()));
  await once(socket, "close", { signal: AbortSignal.timeout(5000) });
  return { status: Number(text.split(" ")[1]), text };
}
const header = (value: string) => `X-Ingress-Secret: ${value}`;
const HANDSHAKE = ["Connection: Upgrade", "Upgrade: websocket", "Origin: http://x"];

describe.each(["gate", "lobby"] as const)("the %s", (service) => {
  test.each<[string, readonly string[]]>([
    ["no secret", []],
    ["an empty one", [header("")]],
    ["a wrong one", [header(`${NOW}x`)]],
    ["the first half", [header(NOW.slice(0, 19))]],
    ["another case", [header(NOW.toUpperCase())]],
    ["the right one twice", [header(NOW), header(NOW)]],
    ["both accepted ones", [header(`${NOW}, ${FORMER}`)]],
    ["a look-alike", [`X_Ingress_Secret: ${NOW}`]],
    ["a look-alike beside", [header(NOW), "X_Ingress_Secret: y"]],
    ["it in the query alone", []],
  ])("lets in nobody with %s, although the sign-in is right", async (name, lines) => {
    const answer = await send(ports[service], lines, name.includes("query") ? `/?X-Ingress-Secret=${NOW}` : "/");
    expect([answer.status, arrived, asked]).toEqual([403, [], []]);
    expect(answer.text).toContain("did not come through the ingress");
    expect([answer.text, ...log].join("\n")).not.toMatch(/secret-of-the-ingress/);
    expect(log.join("\n")).toMatch(/^a request from 127\.0\.0\.1 was refused: its header X-Ingress-Secret is /);
  });

  test("lets nobody in while the secret is missing or damaged, and says so without it", async () => {
    for (const damage of [() => rmSync(path("secret")), () => deliver(`["${NOW}"`), () => deliver("[]")]) {
      damage();
      nowMs += 60_000;
      expect((await send(ports[service], [header(NOW)])).status).toBe(503);
      expect(log.at(-1)).toContain("is missing or damaged, so nobody is let in; deploy again");
    }
    expect(log.join("\n")).not.toMatch(/secret-of-the-ingress/);
  });
});

test("the secret is rotated without a restart and without a moment in which nobody is let in", async () => {
  const status = async (secret: string) => (await send(ports.gate, [header(secret)])).status;
  deliver(JSON.stringify([FORMER]));
  expect([await status(FORMER), await status(NOW)]).toEqual([200, 403]);
  deliver(JSON.stringify([NOW, FORMER]));
  expect([await status(FORMER), await status(NOW)]).toEqual([200, 200]);
  deliver(JSON.stringify([NOW]));
  expect([await status(FORMER), await status(NOW)]).toEqual([403, 200]);
});

test("no code server is told the secret, by a request or by a web socket", async () => {
  await send(ports.gate, [header(NOW)]);
  await send(ports.gate, [header(NOW), ...HANDSHAKE]);
  expect(arrived.map((headers) => headers["x-authentik-username"])).toEqual(["ana@x", "ana@x"]);
  expect(JSON.stringify(arrived)).not.toMatch(/ingress/i);
});

test("a web socket needs it too", async () => {
  expect([(await send(ports.gate, HANDSHAKE)).status, arrived]).toEqual([403, []]);
});

test("whoever is refused again and again does not fill the journal", async () => {
  for (let i = 0; i < 50; i += 1) await send(ports.gate, []);
  expect(log).toHaveLength(1);
  nowMs += 10_000;
  await send(ports.gate, []);
  expect(log.at(-1)).toMatch(/\(49 more since the last line\)$/);
});

test.each([
  ["10.0.0.5", true],
  ["0.0.0.0", true],
  ["::", true],
  ["fd00::5", true],
  ["127.0.0.1", false],
  ["127.8.9.1", false],
  ["::1", false],
])("a service on %s without a secret does not start: %s", (address, refused) => {
  const make = () => ingressGuard({ address, port: 8900 }, undefined, () => undefined);
  if (refused) expect(make).toThrow("set workstation:devvm.ingressSecret and deploy");
  else expect(make).not.toThrow();
});
