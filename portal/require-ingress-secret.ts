/** Guards a service that other machines can reach: refuses every request without the secret of the ingress. */

import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { isLoopbackAddress } from "../clients/http/loopback-address.ts";
import { matchesSecret } from "../clients/http/compare-shared-secret.ts";
import { cachedFile } from "./cached-file.ts";
import type { Listen } from "./listen.ts";
import { seldom } from "./log.ts";
import { soleHeader } from "./sole-header.ts";

/** The header that carries the secret, and the file with a list of the secrets that are accepted. */
export const ingressSecret = z.strictObject({ header: z.string(), file: z.string().startsWith("/") });

export interface Refused {
  readonly status: 403 | 503;
  readonly why: string;
}

export interface IngressGuard {
  /** In lower case; no request is passed on with it. Undefined where the ingress needs no secret. */
  readonly header: string | undefined;
  /** Undefined when the request came through the ingress. */
  refuse(request: IncomingMessage): Refused | undefined;
}

/** Makes the guard for a program that starts, and ends the program with a sentence where there can be none. */
export function ingressGuardOrExit(...args: Parameters<typeof ingressGuard>): IngressGuard {
  try {
    return ingressGuard(...args);
  } catch (error) {
    const [, , log] = args;
    log(`not started: ${error instanceof Error ? error.message : "the ingress cannot be checked"}`);
    process.exit(1);
  }
}

const accepted = z.array(z.string().min(1)).min(1);

/**
 * @param nowMs a clock
 * @throws Error when other machines can connect and there is no secret: they could send anybody's sign-in
 */
export function ingressGuard(
  listen: Listen,
  secret: z.output<typeof ingressSecret> | undefined,
  log: (line: string) => void,
  nowMs: () => number = Date.now,
): IngressGuard {
  if (secret === undefined) {
    if ("address" in listen && !isLoopbackAddress(listen.address))
      throw new Error(
        `other machines can connect to ${listen.address}, and the settings name no ingress secret; set workstation:devvm.ingressSecret and deploy`,
      );
    return { header: undefined, refuse: () => undefined };
  }
  const header = secret.header.toLowerCase();
  const read = cachedFile(secret.file, (text) => accepted.parse(JSON.parse(text)));
  const note = seldom(log, nowMs);
  return {
    header,
    refuse({ rawHeaders, socket }) {
      const found = soleHeader(rawHeaders, header);
      try {
        if ("value" in found && matchesSecret(found.value, read())) return undefined;
      } catch {
        // The error's own words could quote the file.
        note(`${secret.file} is missing or damaged, so nobody is let in; deploy again`);
        return { status: 503, why: "Requests cannot be checked at the moment. Ask an admin." };
      }
      const what = "value" in found ? "wrong" : found.refused;
      note(`a request from ${socket.remoteAddress ?? "nowhere"} was refused: its header ${secret.header} is ${what}`);
      return { status: 403, why: "You are not let in: this request did not come through the ingress." };
    },
  };
}
