/**
 * Emulates the sign-in and the ingress before a DevVM's user portal or code-server proxy: sets the identity header to
 * the user who has signed in, whatever the browser claims, and adds the secret of the ingress.
 */
import { createServer, type IncomingMessage, request as ask, STATUS_CODES } from "node:http";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What the lab's ingress proves itself by. In the lab it is no secret. */
export const LAB_INGRESS_SECRET = {
  header: "X-Ingress-Secret",
  value: "the-ingress-secret-of-the-lab-0123456789",
} as const;

export interface SignIn {
  /** Where a browser of this machine finds what is behind. */
  readonly origin: string;
  /** Who has signed in from now on; undefined: nobody. */
  as(name: string | undefined): void;
  /** Whether it can be reached: when it cannot, it ends what is open and accepts nothing, as a network that is lost. */
  setReachable(reachable: boolean): void;
  stop(): Promise<void>;
}

/** @param port of loopback to listen on; 0 takes a free one */
export async function startSignIn(target: { readonly host: string; readonly port: number }, port = 0): Promise<SignIn> {
  let signedIn: string | undefined;
  let isReachable = true;
  const open = new Set<Socket>();
  const forwarded = (request: IncomingMessage) => {
    const kept = Object.entries(request.headers).filter(([name]) => !/^x[-_.](authentik|ingress)/.test(name));
    const headers = Object.fromEntries(kept);
    headers[LAB_INGRESS_SECRET.header.toLowerCase()] = LAB_INGRESS_SECRET.value;
    if (signedIn !== undefined) headers["x-authentik-username"] = signedIn;
    return { ...target, method: request.method, path: request.url, headers, agent: false };
  };
  const server = createServer((request, response) => {
    const upstream = ask(forwarded(request), (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on("error", (error) => response.writeHead(502).end(`${error.message}\n`));
    request.pipe(upstream);
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const upstream = ask(forwarded(request));
    socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
    upstream.on("response", ({ statusCode = 502 }) =>
      socket.end(`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n\r\n`),
    );
    upstream.on("upgrade", ({ rawHeaders }, behind, first) => {
      const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}\r\n`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
      behind.on("error", () => socket.destroy()).on("close", () => socket.destroy());
      socket.on("close", () => behind.destroy());
      behind.write(head);
      socket.write(first);
      behind.pipe(socket).pipe(behind);
    });
    upstream.end();
  });
  server.on("connection", (socket) => {
    if (!isReachable) return void socket.destroy();
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    as(name) {
      signedIn = name;
    },
    setReachable(reachable) {
      isReachable = reachable;
      if (!reachable) for (const socket of open) socket.destroy();
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
