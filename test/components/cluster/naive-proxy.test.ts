/** The cases are hostile: a proxy that is written in a hurry falls to them. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { INJECTOR_CASES, KNOWN } from "./injector-cases.ts";
import { naiveProxy } from "./naive-proxy.ts";
import { sendRaw } from "./raw-http.ts";

const tokens = Object.fromEntries(KNOWN.map((who) => [who, `token-of-${who}`]));
let reached: IncomingHttpHeaders[] = [];
let servers: Server[] = [];
let port = 0;

const listening = async (server: Server): Promise<number> => {
  servers = [...servers, server];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};

beforeAll(async () => {
  const dashboard = createServer((request, response) => {
    reached.push(request.headers);
    request.resume();
    request.on("end", () => response.end("hello"));
  });
  port = await listening(naiveProxy(tokens, await listening(dashboard)));
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

test("a proxy that passes on what it is sent falls to cases of nine kinds", {
  timeout: 60_000,
}, async () => {
  const fallen = new Set<string>();
  for (const { kind, bytes, status, arrives } of INJECTOR_CASES) {
    reached = [];
    const answer = await sendRaw({ port }, bytes);
    const came = reached.map(({ authorization }) => authorization);
    const wanted = arrives.map((who) => `Bearer token-of-${who}`);
    const foreign = reached.some((headers) =>
      Object.keys(headers).some((name) => /^(impersonate|x-remote|cookie|proxy-)/.test(name)),
    );
    if (!status.includes(answer.status) || came.join() !== wanted.join() || foreign) fallen.add(kind);
  }
  expect([...fallen].sort()).toEqual([
    "credentials of the client",
    "impersonation",
    "look-alike header",
    "missing identity",
    "name of a prototype's property",
    "oversized header",
    "protocol upgrade",
    "repeated identity",
    "request smuggling",
  ]);
});
