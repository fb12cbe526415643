/** The lab's API server as somebody: requests as they are, with the answer as it is. */

import { readFileSync } from "node:fs";
import { request } from "node:https";

/** By which credential a request comes. */
export type As = { readonly token: string } | { readonly cert: string; readonly key: string };

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into objects of every kind
  readonly body: any;
}

export type Api = (method: string, path: string, body?: unknown, contentType?: string) => Promise<Reply>;

/** @param server `https://address:port`; nothing is kept open between two requests */
export function apiAs(server: string, caFile: string, as: As): Api {
  const ca = readFileSync(caFile);
  const own = "token" in as ? {} : { cert: readFileSync(as.cert), key: readFileSync(as.key) };
  const bearer = "token" in as ? { authorization: `Bearer ${as.token}` } : {};
  return (method, path, body, contentType = "application/json") =>
    new Promise((resolve, reject) => {
      const headers = {
        ...bearer,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": contentType }),
      };
      const asked = request(
        `${server}${path}`,
        { method, headers, ca, ...own, agent: false, timeout: 20_000 },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: parsed(text) }));
          answer.on("error", reject);
        },
      );
      asked.on("timeout", () => asked.destroy(new Error(`${method} ${path} was not answered within 20 s`)));
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return text;
    throw cause;
  }
}

/** Path of an object's collection, for the kinds that the program makes. */
export function collectionOf(apiVersion: string, kind: string, namespace?: string): string {
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  const root = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

const PLURALS: Readonly<Record<string, string>> = {
  NetworkPolicy: "networkpolicies",
  Ingress: "ingresses",
  ValidatingAdmissionPolicy: "validatingadmissionpolicies",
};

/** Asks until `look` gives something. @throws Error that names what was waited for */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, withinMs = 60_000): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`${what} did not come within ${withinMs / 1000} s`);
    await new Promise((next) => setTimeout(next, 250));
  }
}
