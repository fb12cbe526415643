/**
 * Emulates the sign-in and the ingress before a DevVM's user portal or code-server proxy: sets the identity header to
 * the user who has signed in, whatever the browser claims, and adds the secret of the ingress.
 */
import { createServer, request as ask } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

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
  stop(): Promise<void>;
}

/** @param port of loopback to listen on; 0 takes a free one */
export async function startSignIn(target: { readonly host: string; readonly port: number }, port = 0): Promise<SignIn> {
  let signedIn: string | undefined;
  const server = createServer((request, response) => {
    const kept = Object.entries(request.headers).filter(([name]) => !/^x[-_.](authentik|ingress)/.test(name));
    const headers = Object.fromEntries(kept);
    headers[LAB_INGRESS_SECRET.header.toLowerCase()] = LAB_INGRESS_SECRET.value;
    if (signedIn !== undefined) headers["x-authentik-username"] = signedIn;
    const { method, url: path } = request;
    const asked = ask({ ...target, method, path, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", (error) => response.writeHead(502).end(`${error.message}\n`));
    request.pipe(asked);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    as(name) {
      signedIn = name;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
