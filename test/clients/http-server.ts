/** A web server on loopback that answers each path with what it is given, for tests of clients. */

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Reply {
  readonly status: number;
  /** JSON, or a text that is sent as a web page. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpServer {
  readonly address: string;
  /** `METHOD path`, in their order. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** @param reply is given the request's body as well, parsed (null where it has none), and its headers */
export async function startHttpServer(
  reply: (method: string, path: string, sent: unknown, headers: IncomingHttpHeaders) => Reply,
): Promise<HttpServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let sent = "";
    request.on("data", (part) => {
      sent += String(part);
    });
    request.on("end", () => {
      const [method = "", path = ""] = [request.method, request.url];
      asked.push(`${method} ${path}`);
      const { status, body, headers } = reply(method, path, sent === "" ? null : JSON.parse(sent), request.headers);
      const [type, text] = typeof body === "string" ? ["text/html", body] : ["application/json", JSON.stringify(body)];
      response.writeHead(status, { "content-type": type, ...headers }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    asked,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
