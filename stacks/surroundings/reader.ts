/** Reads the cluster as it is, before anything is declared. It has no way to write. */

import { readFileSync } from "node:fs";
import { request } from "node:https";
import { parse } from "yaml";
import { z } from "zod";

/** @returns the API's answer, or undefined where it knows no such thing. @throws Unread for every other outcome */
export type Read = (path: string) => Promise<unknown>;

/** The cluster could not be asked, and is not taken for an empty one. */
export class Unread extends Error {
  override readonly name = "Unread";
}

const kubeconfig = z.object({
  "current-context": z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.string(),
        "certificate-authority-data": z.string().optional(),
        "certificate-authority": z.string().optional(),
        "tls-server-name": z.string().optional(),
      }),
    }),
  ),
  users: z.array(
    z.object({
      name: z.string(),
      user: z.object({
        token: z.string().optional(),
        "client-certificate-data": z.string().optional(),
        "client-certificate": z.string().optional(),
        "client-key-data": z.string().optional(),
        "client-key": z.string().optional(),
      }),
    }),
  ),
});

const TIMEOUT_MS = 20_000;

/**
 * @param text a kubeconfig with a token or a client certificate
 * @throws Unread for one that holds neither: nothing of its content is repeated
 */
export function readerOf(text: string): Read {
  const parsed = kubeconfig.safeParse(parse(text));
  if (!parsed.success) throw new Unread("workstation:kubeconfig is not a kubeconfig");
  const { contexts, clusters, users, "current-context": current } = parsed.data;
  const context = contexts.find(({ name }) => name === current)?.context;
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = users.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined)
    throw new Unread("workstation:kubeconfig names no cluster or no user");
  const cert = bytes(user["client-certificate-data"], user["client-certificate"]);
  if (user.token === undefined && cert === undefined) {
    throw new Unread("workstation:kubeconfig holds neither a token nor a client certificate");
  }
  const options = defined({
    ca: bytes(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    cert,
    key: bytes(user["client-key-data"], user["client-key"]),
    servername: cluster["tls-server-name"],
  });
  const headers = { accept: "application/json", ...(user.token ? { authorization: `Bearer ${user.token}` } : {}) };
  return (path) => ask(new URL(path, cluster.server), { ...options, headers });
}

function ask(url: URL, options: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Unread(`${url.origin} did not answer ${url.pathname}: ${why}`));
    const asked = request(url, { ...options, agent: false, timeout: TIMEOUT_MS }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("error", (cause) => fail(cause.message));
      answer.on("end", () => {
        if (answer.statusCode === 404) return resolve(undefined);
        if (answer.statusCode !== 200) return fail(`status ${answer.statusCode}`);
        const value = json(Buffer.concat(pieces).toString("utf8"));
        return value === undefined ? fail("no JSON") : resolve(value);
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`nothing within ${TIMEOUT_MS / 1000} s`)));
    asked.on("error", (cause) => fail(cause.message));
    asked.end();
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

const bytes = (data: string | undefined, file: string | undefined): Buffer | undefined =>
  data !== undefined ? Buffer.from(data, "base64") : file === undefined ? undefined : readFileSync(file);

const defined = (options: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
