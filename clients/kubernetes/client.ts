/** The API server as a kubeconfig reaches it: one exchange at a time, with a deadline, and nothing taken for an answer that is none. */

import { readFileSync } from "node:fs";
import { request } from "node:https";
import { parse } from "yaml";
import { z } from "zod";

/** One exchange with the API server. `value` is undefined where the answer holds no JSON. @throws Unread when no whole answer in JSON came */
export type KubeCall = (
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
) => Promise<{ readonly status: number; readonly value: unknown }>;

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
export function kubeCallOf(text: string): KubeCall {
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
  return (method, path, body) => {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const sent = body === undefined ? headers : { ...headers, "content-type": type };
    return exchange(new URL(path, cluster.server), { ...options, method, headers: sent }, body);
  };
}

function exchange(url: URL, options: object, body: object | undefined): ReturnType<KubeCall> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Unread(`${url.origin} did not answer ${url.pathname}: ${why}`));
    const asked = request(url, { ...options, agent: false, timeout: TIMEOUT_MS }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("error", (cause) => fail(cause.message));
      answer.on("end", () => {
        const text = Buffer.concat(pieces).toString("utf8");
        const value = json(text);
        const status = answer.statusCode ?? 0;
        // For a path that it does not know at all the API server answers 404 in plain words.
        if (text !== "" && value === undefined && status < 400) return fail(`status ${status}, and no JSON`);
        resolve({ status, value });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`nothing within ${TIMEOUT_MS / 1000} s`)));
    asked.on("error", (cause) => fail(cause.message));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
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
