/** Checks over HTTP whether a server is ready, for `ServerSpec.ready`. */
import { readFile } from "node:fs/promises";
import { send } from "../../clients/http/send.ts";
import type { Pair } from "./certificates.ts";

export interface AnswerOptions {
  /** PEM file of the authority that the server's certificate must come from. */
  readonly ca?: string;
  /** Identifies the one who asks. */
  readonly client?: Pair;
  /** Looks at the body: `true`, or what is missing. Default: any 200 will do. */
  readonly accept?: (body: string) => true | string;
}

/** Asks a URL once; `true` when it answers 200, else what it said instead. Rejects when nobody listens. */
export async function answers(url: string, options: AnswerOptions = {}): Promise<true | string> {
  const { status, body } = await get(url, options);
  if (status !== 200) return `${url} answers ${status}: ${body.slice(0, 200)}`;
  return options.accept?.(body) ?? true;
}

/** One GET without connection reuse, at most 5 s. */
export async function get(url: string, options: AnswerOptions = {}): Promise<{ status: number; body: string }> {
  const tls = {
    ...(options.ca === undefined ? {} : { ca: await readFile(options.ca) }),
    ...(options.client === undefined
      ? {}
      : {
          clientCertificate: { cert: await readFile(options.client.cert), key: await readFile(options.client.key) },
        }),
  };
  const { status, text } = await send({ method: "GET", url: new URL(url), headers: {}, timeoutMs: 5_000, ...tls });
  return { status, body: text };
}
