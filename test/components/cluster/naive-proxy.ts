/** The injector as one writes it in a hurry, for the tests to break: cases that cannot break it would prove nothing. */

import { createServer, request, type Server } from "node:http";

/** Looks the identity up in a plain object and passes on whatever the client sent. */
export function naiveProxy(tokens: Readonly<Record<string, string>>, backendPort: number): Server {
  return createServer({ requireHostHeader: false, maxHeaderSize: 200_000 }, (from, to) => {
    const lines = Object.entries(from.headers).map(
      ([name, value]) => [name.replaceAll("_", "-"), String(value)] as const,
    );
    const identity = new Map(lines).get("x-authentik-username") ?? "";
    const token = tokens[identity];
    if (token === undefined) {
      to.writeHead(403).end();
      return;
    }
    const headers = { ...from.headers, authorization: `Bearer ${token}` };
    // As proxies do that leave the framing to node.
    delete headers["transfer-encoding"];
    const asked = request(
      { host: "127.0.0.1", port: backendPort, method: from.method, path: from.url, headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(to);
      },
    );
    asked.on("error", () => to.destroy());
    from.pipe(asked);
  });
}
