/** Writes the files with which clients reach the lab's API server. */
import { readFile } from "node:fs/promises";
import { replaceFile } from "../replace-file.ts";
import type { Certificates, Client } from "./certificates.ts";

/** What identifies a caller: a client certificate of the lab, or a bearer token. */
export type Caller = { readonly client: Client } | { readonly token: string };

/** A kubeconfig as text (JSON, which is YAML), self-contained: it holds the CA, the key or the token. Secret. */
export async function kubeconfig(server: string, certificates: Certificates, caller: Caller): Promise<string> {
  const inline = async (path: string) => (await readFile(path)).toString("base64");
  const user =
    "token" in caller
      ? { token: caller.token }
      : {
          "client-certificate-data": await inline(certificates.clients[caller.client].cert),
          "client-key-data": await inline(certificates.clients[caller.client].key),
        };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster: { server, "certificate-authority-data": await inline(certificates.ca.cert) } }],
    users: [{ name: "caller", user }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "caller" } }],
    "current-context": "lab",
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Writes a kubeconfig that root alone can read. */
export async function writeKubeconfig(path: string, ...asked: Parameters<typeof kubeconfig>): Promise<string> {
  await replaceFile(path, await kubeconfig(...asked), 0o600);
  return path;
}
