/** What the token injector costs: requests through it against the same requests to the dashboard itself. */

import { once } from "node:events";
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { requestFilter } from "../../components/cluster/injector/proxy/request-filter.ts";
import { createInjectorServer } from "../../components/cluster/injector/proxy/server.ts";

const REQUESTS = 2_000;
const IDENTITIES = 1_000;

/** One request after the other on connections of their own, on the loopback, with a map of a thousand identities. */
export async function benchInjector(say: (line: string) => void): Promise<void> {
  const dashboard = createServer((_, response) => response.end("x".repeat(2_000)));
  const origin = new URL(`http://127.0.0.1:${await portOf(dashboard)}`);
  const tokens = new Map(
    Array.from({ length: IDENTITIES }, (_, i) => [`person-${i}`, `token-${i}-${"x".repeat(900)}`]),
  );
  const rules = {
    origin: "https://dashboard.test",
    identityHeader: "X-authentik-username",
    tokens,
    handOn: { kind: "header" } as const,
    passHeaders: [],
  };
  const front = createInjectorServer(requestFilter(rules), { origin }, () => undefined);
  const port = await portOf(front.server);
  await round(Number(origin.port), 200);
  await round(port, 200);
  const [direct, through] = [await round(Number(origin.port), REQUESTS), await round(port, REQUESTS)];
  say(
    `injector: ${through.toFixed(2)} ms a request through it, ${direct.toFixed(2)} ms direct (${(through / direct).toFixed(1)} times)`,
  );
  await front.drain(0, 0);
  dashboard.closeAllConnections();
  dashboard.close();
}

/** @returns milliseconds a request, in the middle of them all */
async function round(port: number, count: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedMs = performance.now();
    await ask(port, `person-${i % IDENTITIES}`);
    took.push(performance.now() - startedMs);
  }
  return took.sort((a, b) => a - b)[Math.floor(count / 2)] ?? 0;
}

const ask = (port: number, identity: string) =>
  new Promise<void>((resolve, reject) => {
    const headers = { "x-authentik-username": identity };
    get({ host: "127.0.0.1", port, headers, agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer.resume();
      answer.on("end", resolve);
    }).on("error", reject);
  });

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
