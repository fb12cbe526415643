/** Sets what each server behind an ingress needs: connections that outlive the ingress' own, and every header line. */

import type { Server } from "node:http";

/**
 * Longer than an ingress keeps an idle connection (Traefik 90 s, nginx 60 s), so that it is the ingress which closes it: the
 * server's own close could meet a request that is on its way.
 */
export const KEEP_ALIVE_MS = 120_000;

export function serveIngress(server: Server): void {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // Beyond its own limit node drops lines in silence, and with them what frames a message; they are counted instead.
  server.maxHeadersCount = 0;
}
