/** One question to a web service, for what has to be known before anything is declared. */

import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";

export interface Asked {
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
    const { headers, ca } = asked;
    const options = { headers, signal: deadline, agent: false, ...(ca === undefined ? {} : { ca }) };
    const outgoing = (url.protocol === "https:" ? overHttps : overHttp)(url, options, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("error", fail);
      incoming.on("end", () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") }),
      );
    });
    outgoing.on("error", fail);
    outgoing.end();
  });
}
