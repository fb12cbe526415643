/** One exchange with a web service: what has to be known before anything is declared, and what the operator's command asks. */

import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";

export interface Asked {
  /** Default: GET. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "LIST";
  /** Sent as it is; its type stands in the headers. */
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** PEM of the authority of the certificate; the machine's own list where absent. */
  readonly ca?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @throws Error with a sentence that repeats neither headers nor content, when no whole answer came */
export function ask(url: URL, asked: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(asked.timeoutMs);
    const fail = (cause: Error) => {
      const late = `no whole answer within ${asked.timeoutMs / 1000} s`;
      reject(deadline.aborted ? new Error(late, { cause }) : cause);
    };
    const { headers, ca, method = "GET" } = asked;
    const options = { method, headers, signal: deadline, agent: false, ...(ca === undefined ? {} : { ca }) };
    const outgoing = (url.protocol === "https:" ? overHttps : overHttp)(url, options, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("error", fail);
      incoming.on("end", () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") }),
      );
    });
    outgoing.on("error", fail);
    outgoing.end(asked.body);
  });
}
