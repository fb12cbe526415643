/** Sends requests to the API server of a kubeconfig, with a deadline; an answer of anything else there is an error. */

import { type RetryPolicy, sendWithRetries } from "../http/retry.ts";
import { HttpFailure, type HttpReply } from "../http/send.ts";
import { parseJson } from "../parse-json.ts";
import { KubernetesError, readKubeconfig } from "./kubeconfig.ts";

export { KubernetesError };

/**
 * One exchange with the API server. `value` is undefined where the answer holds no JSON. A status of 404 is always the API
 * server's own word. @throws KubernetesError when no whole answer came, or one that is not the API server's
 */
export type KubeCall = (
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
) => Promise<{ readonly status: number; readonly value: unknown }>;

const TIMEOUT_MS = 30_000;

/** The list of every RoleBinding of a large cluster is smaller. */
const MAX_BYTES = 128 * 2 ** 20;

const ONCE: RetryPolicy = { tries: 1, pauseMs: 0 };

/**
 * @param kubeconfig with a token or a client certificate
 * @param retries of requests that change nothing more when they are repeated; once where absent
 * @throws KubernetesError for one that holds neither: nothing of its content is repeated
 */
export function openKubernetes(kubeconfig: string, retries = ONCE): KubeCall {
  const { server, token, ...tls } = readKubeconfig(kubeconfig);
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return async (method, path, body) => {
    const url = new URL(path, server);
    const failed = (why: string, cause?: Error) =>
      new KubernetesError(`${url.origin} did not answer ${url.pathname}: ${why}`, { cause });
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const request = {
      method,
      url,
      headers: {
        accept: "application/json",
        ...authorization,
        ...(body === undefined ? {} : { "content-type": type }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      ...tls,
    };
    const reply = await sendWithRetries(request, retries).catch((cause: unknown) => {
      throw cause instanceof HttpFailure ? failed(cause.message, cause) : cause;
    });
    const { status, text } = reply;
    const value = parseJson(text);
    if (text !== "" && value === undefined && status < 400) throw failed(`status ${status}, and no JSON`);
    if (status >= 300 && status < 400)
      throw failed(`status ${status}, a redirect, which is not followed: give the API server's own address`);
    if (status === 404 && !isOwn404(reply, value))
      throw failed("status 404, and not in the API server's form; does something before it answer?");
    return { status, value };
  };
}

/** The API server's own 404 is a Status object or, for a path that it does not know at all, one plain sentence. */
const isOwn404 = ({ text }: HttpReply, value: unknown): boolean =>
  text.trim() === "404 page not found" ||
  (typeof value === "object" && value !== null && "kind" in value && value.kind === "Status");
