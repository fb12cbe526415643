/** An API server on loopback that knows what it is told, over real TLS, and remembers what it was asked. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Replied {
  readonly status?: number;
  /** Sent as JSON; a text as it is. */
  readonly body: unknown;
}

export interface HttpsCluster {
  readonly kubeconfig: string;
  /** `METHOD path`, in their order. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** @param reply undefined for a path that it does not know */
export async function startHttpsCluster(
  reply: (method: string, path: string, body: unknown) => Replied | undefined,
): Promise<HttpsCluster> {
  const folder = mkdtempSync(join(tmpdir(), "ws-cluster-"));
  const [keyFile, certFile] = [join(folder, "key"), join(folder, "cert")];
  const subject = ["-subj", "/CN=cluster", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", ["req", "-x509", ...curve, ...files, ...subject], { stdio: "pipe" });
  const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
  rmSync(folder, { recursive: true });
  const asked: string[] = [];
  const server = createServer({ key, cert }, async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const [method = "", path = ""] = [request.method, request.url];
    asked.push(`${method} ${path}`);
    const text = Buffer.concat(parts).toString("utf8");
    const { status = 200, body } = reply(method, path, text === "" ? undefined : JSON.parse(text)) ?? {
      ...{ status: 404, body: { kind: "Status", code: 404 } },
    };
    const isText = typeof body === "string";
    response
      .writeHead(status, { "content-type": isText ? "text/plain" : "application/json" })
      .end(isText ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority-data": cert.toString("base64") };
  return {
    kubeconfig: JSON.stringify({
      "current-context": "it",
      contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
      clusters: [{ name: "it", cluster }],
      users: [{ name: "it", user: { token: "anybody" } }],
    }),
    asked,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
