/** Defines what a handler of one request to the portal gets, and the refusals that handlers share. */

import type { IncomingMessage } from "node:http";
import type { IngressGuard } from "../require-ingress-secret.ts";
import type { Lists, Visitor } from "./authorize-visitor.ts";
import { errorPage } from "./error-page.ts";
import type { Site } from "./page-layout.ts";
import type { Reply } from "./reply.ts";
import type { RootRequests } from "./root-requests.ts";

export interface PortalArgs {
  readonly site: Site;
  readonly ingress: IngressGuard;
  readonly lists: Lists;
  readonly host: RootRequests;
  /** Where users' terminal services listen; absent: where systemd makes their sockets. */
  readonly terminals?: { readonly socketOf: (osUser: string) => string };
}

/** One request of somebody who was let in. */
export interface Turn {
  readonly args: PortalArgs;
  readonly guest: Visitor;
  readonly request: IncomingMessage;
  readonly body: string;
  /** Logs why the host could not be asked, seldom for each person. */
  readonly noteFailed: (error: unknown) => void;
}

export type Handler = (turn: Turn) => Reply | Promise<Reply>;

export const wantsJson = ({ headers, url }: IncomingMessage): boolean =>
  (url ?? "").startsWith("/api/") || /^application\/json\b/.test(headers.accept ?? "");

export const refusal = (site: Site, request: IncomingMessage, status: number, why: string) =>
  wantsJson(request) ? { json: { error: why } } : { page: errorPage(site, status, why) };

export function notWhileParked(site: Site, request: IncomingMessage): Reply {
  const why = "Your workstation is parked, so nothing is started in it. Ask an admin to unpark it.";
  return { status: 409, ...refusal(site, request, 409, why) };
}
