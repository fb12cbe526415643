/**
 * Tests with a real browser what a page on a sibling host can do with a person's sign-in, whose cookie the browser sends
 * to every host of the site: nothing that changes anything, at the dashboard, at the code server and at the portal.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createProxyServer } from "http-proxy-3";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requestFilter } from "../../components/cluster/injector/proxy/request-filter.ts";
import { createInjectorServer } from "../../components/cluster/injector/proxy/server.ts";
import { BROWSER, installPackages } from "../../lab/packages.ts";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { createCodeServerProxy } from "../../portal/code-server-proxy/server.ts";
import { rootRequests } from "../../portal/page/root-requests.ts";
import { createPortal } from "../../portal/page/server.ts";

const folder = mkdtempSync(join(tmpdir(), "siblings-"));
const path = (name: string) => join(folder, name);
/** What arrived behind a service and may change something. */
const arrived: string[] = [];
const ports = new Map<string, number>();
const servers: Server[] = [];
let browser: Browser;
let context: BrowserContext;
let port: number;
const originOf = (host: string) => `https://${host}.site.test:${port}`;

const listen = async (server: Server) => {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};
const PAGE = '<!doctype html><title>page</title><iframe name="here"></iframe>';
const none = { header: undefined, refuse: () => undefined };
const log = () => undefined;

/** A dashboard or a code server: a page, and whatever is sent to it. */
function backend(): Server {
  const server = createServer((asked, answer) => {
    if (asked.method !== "GET") arrived.push(`${asked.method} ${asked.headers.host ?? ""}`);
    answer.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  });
  server.on("upgrade", (asked: IncomingMessage, socket) => {
    arrived.push(`socket ${asked.headers.host ?? ""}`);
    // The answer of RFC 6455 to a key is of no interest here: the browser closes the socket, which had arrived.
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  });
  return server;
}

/** A person's terminal service, which is told nothing of the request but its key. */
function terminals(): Server {
  const server = createServer((_, answer) => answer.writeHead(404).end());
  server.on("upgrade", (_, socket) => {
    arrived.push(`socket portal.site.test:${port}`);
    // Closed once it has arrived.
    socket.destroy();
  });
  return server;
}

/** The ingress: whoever has signed in at one host of the site is told to all of the platform's. */
function ingress(): Server {
  const forward = createProxyServer({});
  const target = (asked: IncomingMessage) => {
    const host = (asked.headers.host ?? "").split(".")[0] ?? "";
    delete asked.headers["x-authentik-username"];
    if (host !== "tenant" && /\bsign-in=ana\b/.test(asked.headers.cookie ?? ""))
      asked.headers["x-authentik-username"] = "ana@x";
    return { target: `http://127.0.0.1:${ports.get(host) ?? 0}` };
  };
  const tls = { key: readFileSync(path("key")), cert: readFileSync(path("cert")) };
  const server = createTlsServer(tls, (asked, answer) => forward.web(asked, answer, target(asked)));
  server.on("upgrade", (asked: IncomingMessage, socket, head) => forward.ws(asked, socket, head, target(asked)));
  forward.on("error", (_error, _asked, answer) => answer?.destroy());
  return server as unknown as Server;
}

beforeAll(async () => {
  await installPackages(BROWSER);
  const subject = ["-nodes", "-days", "1", "-subj", "/CN=site.test", "-keyout", path("key"), "-out", path("cert")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", ...subject], {
    stdio: "pipe",
  });
  port = await listen(ingress());
  const behind = await listen(backend());
  writeFileSync(path("dispatch.json"), JSON.stringify({ "ana@x": { os_user: userInfo().username, port: behind } }));
  writeFileSync(path("admins"), "");
  const dispatch = dispatchAt(path("dispatch.json"));
  const rules = { identityHeader: "X-authentik-username", handOn: { kind: "header" } as const, passHeaders: [] };
  const tokens = new Map([["ana@x", "token-of-ana-0123456789"]]);
  const injector = createInjectorServer(
    requestFilter({ ...rules, tokens, origin: originOf("dashboard") }),
    { origin: new URL(`http://127.0.0.1:${behind}`) },
    log,
  );
  const ask = (line: string) => {
    if (line.startsWith("restore")) arrived.push(`POST portal.site.test:${port}`);
    const who = userInfo().username;
    const people = line.startsWith("restore") ? [{ who, found: [] }] : [{ who, failed: "not in this test" }];
    return Promise.resolve(JSON.stringify({ people }));
  };
  const portal = createPortal({
    site: { host: "devvm", origin: originOf("portal") },
    ingress: none,
    lists: { dispatch, admins: path("admins"), log },
    host: rootRequests(ask, Date.now),
    terminals: { socketOf: () => path("terminals.sock") },
  });
  const service = terminals();
  servers.push(service);
  service.listen(path("terminals.sock"));
  await once(service, "listening");
  ports.set("dashboard", await listen(injector.server));
  ports.set("code", await listen(createCodeServerProxy({ dispatch, ingress: none, origin: originOf("code"), log })));
  ports.set("portal", await listen(portal));
  ports.set("tenant", await listen(backend()));
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    // The tests run as root, whose browser has no sandbox.
    args: ["--no-sandbox", "--host-resolver-rules=MAP *.site.test 127.0.0.1"],
  });
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  const cookie = { name: "sign-in", value: "ana", domain: ".site.test", path: "/", secure: true };
  await context.addCookies([{ ...cookie, sameSite: "Lax" }]);
});
afterAll(async () => {
  await browser.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  arrived.length = 0;
});

async function open(host: string): Promise<Page> {
  const page = await context.newPage();
  expect((await page.goto(`${originOf(host)}/`))?.status()).toBe(200);
  return page;
}

/** Every way in which a page can send something elsewhere; each ends, whatever comes of it. */
const attempts = (to: string) => ({
  "a form": `new Promise((done) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action: "${to}/restore", target: "here" });
    const frame = document.querySelector("iframe");
    frame.onload = done;
    setTimeout(done, 3000);
    document.body.append(form);
    form.submit();
  })`,
  "a fetch without CORS": `fetch("${to}/restore", { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams() }).then(() => "", () => "")`,
  "a fetch with CORS": `fetch("${to}/restore", { method: "POST", credentials: "include", body: new URLSearchParams() }).then(() => "", () => "")`,
  "a beacon": `navigator.sendBeacon("${to}/restore", new URLSearchParams()) && new Promise((done) => setTimeout(done, 300))`,
  "a fetch with another method": `fetch("${to}/restore", { method: "PUT", credentials: "include" }).then(() => "", () => "")`,
});
/** The portal serves no other path; any will do for the others. */
const SOCKET = "/terminal/socket?session=dev&cols=80&rows=24";
const socket = (to: string) => `new Promise((done) => {
  const socket = new WebSocket("${to.replace("https:", "wss:")}${SOCKET}");
  socket.onopen = socket.onerror = socket.onclose = () => done("");
})`;

describe.each(["dashboard", "code", "portal"])("a page of a tenant's", (host) => {
  test(`changes nothing at ${host}, though the browser sends the sign-in along`, async () => {
    const page = await open("tenant");
    for (const [name, attempt] of Object.entries(attempts(originOf(host)))) {
      await page.evaluate(attempt);
      expect([name, arrived]).toEqual([name, []]);
    }
    await page.evaluate(socket(originOf(host)));
    expect(arrived).toEqual([]);
    await page.close();
  });

  test(`has what the page of ${host} itself is not refused`, async () => {
    const page = await open(host);
    await page.evaluate(`fetch("/restore", { method: "POST", body: new URLSearchParams() }).then((r) => r.text())`);
    expect(arrived).toEqual([`POST ${host}.site.test:${port}`]);
    await page.evaluate(socket(originOf(host)));
    expect(arrived.slice(1)).toEqual([`socket ${host}.site.test:${port}`]);
    await page.close();
  });
});

test("the sign-in does come along: without the check a tenant's page would be the person", async () => {
  const page = await open("tenant");
  const status = page.waitForResponse(`${originOf("code")}/`);
  await page.evaluate(`fetch("${originOf("code")}/", { mode: "no-cors", credentials: "include" }).then(() => "")`);
  expect((await status).status()).toBe(200);
  await page.close();
});
