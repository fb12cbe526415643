/** A cluster that holds nothing, for the program's look at it before it declares anything: it answers every list with none, its kinds included. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { run } from "../../lab/run.ts";

export interface EmptyCluster {
  /** Leads to it, with a token that it does not look at. */
  readonly kubeconfig: string;
  close(): void;
}

/** @param dir where its throw-away certificate may lie */
export async function emptyCluster(dir: string): Promise<EmptyCluster> {
  const [key, cert] = [join(dir, "cluster.key"), join(dir, "cluster.crt")];
  await run([
    ...(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const),
    ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"],
  ]);
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) =>
    response.setHeader("content-type", "application/json").end('{"metadata":{},"items":[],"resources":[]}'),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ca = (await readFile(cert)).toString("base64");
  const config = {
    "current-context": "bench",
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    clusters: [{ name: "bench", cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca } }],
    users: [{ name: "bench", user: { token: "anybody" } }],
  };
  return { kubeconfig: JSON.stringify(config), close: () => void server.close() };
}
