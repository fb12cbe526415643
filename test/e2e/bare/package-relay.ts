/** Relays a bare host's package requests to the Debian mirror of this machine, since a lab's host reaches no other network. */

import { createServer, get as overHttp, type IncomingMessage } from "node:http";
import { get as overHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { debianMirror } from "../../../lab/devvm/mirror.ts";

export interface PackageRelay {
  /** What an entry of `sources.list` names. */
  readonly url: string;
  close(): Promise<void>;
}

/** @param address the relay listens there, on a port of its own, and reads from the mirror alone */
export async function startPackageRelay(address: string): Promise<PackageRelay> {
  const mirror = await debianMirror();
  const server = createServer((request, response) => {
    const target = `${mirror.url.replace(/\/$/, "")}/${(request.url ?? "").replace(/^\/+/, "")}`;
    const answered = (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    };
    const outgoing =
      mirror.proxy === undefined
        ? (target.startsWith("https:") ? overHttps : overHttp)(target, { headers: wanted(request) }, answered)
        : overHttp(
            mirror.proxy,
            { path: target, headers: { ...wanted(request), host: new URL(target).host } },
            answered,
          );
    outgoing.on("error", (cause) => response.writeHead(502).end(cause.message));
  });
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(0, address, resolve));
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Without `If-Modified-Since` apt would fetch its lists anew each time. */
const wanted = ({ headers }: IncomingMessage) => {
  const since = headers["if-modified-since"];
  return since === undefined ? {} : { "if-modified-since": since };
};
