/** A dashboard for tests, as a pod of the lab: it writes down what reached it and echoes web sockets. */

import type { Api } from "./api.ts";
import { eventually } from "./api.ts";

export const ECHO = { namespace: "echo", clusterIP: "10.215.7.7", origin: "http://10.215.7.7:8080" } as const;

/** One request as it reached the dashboard. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly names: readonly string[];
  /** Every Authorization line. */
  readonly authorization: readonly string[];
}

const PROGRAM = `
import { createServer } from "node:http";
let seen = [];
const note = (request) => seen.push({
  method: request.method,
  url: request.url,
  names: request.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()),
  authorization: request.rawHeaders.filter((_, i) => i % 2 === 1 && request.rawHeaders[i - 1].toLowerCase() === "authorization"),
});
const server = createServer((request, response) => {
  if (request.url === "/_seen") { response.end(JSON.stringify(seen)); return; }
  if (request.url === "/_forget") { seen = []; response.end("{}"); return; }
  if (request.url !== "/_quiet") note(request);
  request.resume();
  request.on("end", () => response.end("echo"));
});
server.on("upgrade", (request, socket, head) => {
  note(request);
  socket.on("error", () => socket.destroy());
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: x\\r\\n\\r\\n");
  socket.write(head);
  socket.pipe(socket);
});
server.listen(8080);
`;

/** Starts it, and waits until its Service leads to it. */
export async function startEcho(admin: Api, image: string): Promise<void> {
  const { namespace } = ECHO;
  const put = async (path: string, object: object) => {
    const answer = await admin("PATCH", `${path}?fieldManager=test&force=true`, object, "application/apply-patch+yaml");
    if (answer.status > 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  const metadata = { name: "echo", namespace, labels: { app: "echo" } };
  await put(`/api/v1/namespaces/${namespace}`, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const within = `/api/v1/namespaces/${namespace}`;
  await put(`${within}/configmaps/echo`, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata,
    data: { "echo.mjs": PROGRAM },
  });
  await put(`${within}/services/echo`, {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { clusterIP: ECHO.clusterIP, selector: { app: "echo" }, ports: [{ port: 8080, targetPort: 8080 }] },
  });
  await put(`${within}/pods/echo`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      containers: [
        {
          name: "echo",
          image,
          command: ["node", "/program/echo.mjs"],
          volumeMounts: [{ name: "p", mountPath: "/program" }],
        },
      ],
      volumes: [{ name: "p", configMap: { name: "echo" } }],
    },
  });
  await eventually("the echo", async () => ((await read(admin, "/_seen")).status === 200 ? true : undefined));
}

const read = (admin: Api, path: string) =>
  admin("GET", `/api/v1/namespaces/${ECHO.namespace}/pods/echo:8080/proxy${path}`);

/** What reached it since it was last made to forget. */
export const seen = async (admin: Api): Promise<readonly Seen[]> =>
  (await read(admin, "/_seen")).body as readonly Seen[];

export const forget = async (admin: Api): Promise<void> => {
  await read(admin, "/_forget");
};
