/** Serves the code-server proxy: routes each signed-in identity to its own code server and to no other. */

import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { ambiguityOf } from "../../clients/http/find-ambiguity.ts";
import { comparableHeaderName } from "../../clients/http/header-name.ts";
import { endToEnd, forwardRequest, type Upstream } from "../../clients/http/forward-request.ts";
import { forwardWebSocket, pendingAnswers } from "../../clients/http/forward-web-socket.ts";
import { serveIngress } from "../../clients/http/ingress-connections.ts";
import { openLimit } from "../../clients/http/open-limit.ts";
import { isOfForeignPage, isOfOwnPage, isSafeMethod } from "../../clients/http/browser-origin-headers.ts";
import { isWebSocketHandshake } from "../../clients/http/web-socket-handshake.ts";
import type { IngressGuard } from "../require-ingress-secret.ts";
import { seldom, seldomEach } from "../log.ts";
import { closeWhenSent, refuseUpgrade } from "../refuse-upgrade.ts";
import { reviewOpenConnections } from "../review-open-connections.ts";
import type { Dispatch, Entry } from "./dispatch-table.ts";
import { IDENTITY_HEADER, identityOf } from "./request-identity.ts";
import { NotTheirs, upstreamAgent } from "./upstream-connection.ts";

export interface CodeServerProxyArgs {
  readonly dispatch: Dispatch;
  readonly ingress: IngressGuard;
  /** Where browsers find the code servers; undefined: at the host that a request names. */
  readonly origin?: string | undefined;
  /** One line for the journal. */
  readonly log: (line: string) => void;
}

/** A few editors with all their tabs, and far from what the process may have open for everybody. */
const MOST_OPEN = 1000;
/** What other pages fetch, such as the views of an editor's extensions. It uses up nothing of what the person may have. */
const MOST_OPEN_FOREIGN = 100;

interface Guest {
  readonly entry: Entry;
  readonly name: string;
}

type Admitted = Guest | { readonly status: number; readonly why: string };

export function createCodeServerProxy(args: CodeServerProxyArgs): Server {
  const { ingress, log } = args;
  const policy = { ...args, noteForeign: seldom(log, Date.now), noteUnreadable: seldom(log, Date.now) };
  const notes = { failed: seldomEach(log, Date.now), notTheirs: seldomEach(log, Date.now) };
  const open = openLimit(MOST_OPEN);
  const openForeign = openLimit(MOST_OPEN_FOREIGN);
  const server = createServer({ keepAlive: true }, (request, response) => {
    const admitted = admit(policy, request, !isSafeMethod(request.method));
    if ("status" in admitted) return refuse(response, admitted.status, admitted.why);
    const { entry, name } = admitted;
    const [limit, why] = isOfForeignPage(request.rawHeaders) ? [openForeign, TOO_MANY_FOREIGN] : [open, TOO_MANY];
    if (!limit.enter(entry.os_user, response)) return refuse(response, 429, why);
    review({ name, osUser: entry.os_user }, response);
    forwardRequest(request, response, codeServer(ingress, notes, request, admitted));
  });
  const review = reviewOpenConnections(server, args.dispatch);
  const isPending = pendingAnswers(server);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
    closeWhenSent(socket);
    if (isPending(socket)) return void socket.destroy();
    const admitted = admit(policy, request, true);
    if ("status" in admitted) return refuseUpgrade(socket, admitted.status);
    if (!isWebSocketHandshake(request)) return refuseUpgrade(socket, 400);
    const { entry, name } = admitted;
    if (!open.enter(entry.os_user, socket)) return refuseUpgrade(socket, 429);
    review({ name, osUser: entry.os_user }, socket);
    const refuse = (status: number) => refuseUpgrade(socket, status);
    forwardWebSocket(request, { socket, early, refuse }, codeServer(ingress, notes, request, admitted));
  });
  serveIngress(server);
  // A person's editor saves large files, slowly from a train.
  server.requestTimeout = 0;
  return server;
}

const TOO_MANY = `You have ${MOST_OPEN} requests open, which is all that one person may. Close some tabs.`;
const TOO_MANY_FOREIGN = `Other pages have ${MOST_OPEN_FOREIGN} requests open here in your name, which is all that they may.`;

interface Policy extends CodeServerProxyArgs {
  /** Logs a request that another page made. */
  readonly noteForeign: (line: string) => void;
  /** Logs that the dispatch table cannot be read. */
  readonly noteUnreadable: (line: string) => void;
}

/** @param mayChange whether it is a handshake or its method is not a safe one */
function admit(
  { dispatch, ingress, origin, noteForeign, noteUnreadable }: Policy,
  request: IncomingMessage,
  mayChange: boolean,
): Admitted {
  const unfit = ambiguityOf(request) ?? ingress.refuse(request);
  if (unfit !== undefined) return unfit;
  const identity = identityOf(request.rawHeaders);
  if ("refused" in identity) return { status: 403, why: `You are not let in: ${identity.refused}.` };
  try {
    const entry = dispatch.read().get(identity.name);
    if (entry === undefined) return { status: 403, why: "There is no workstation for you here. Ask an admin for one." };
    if (entry.parked === true) return { status: 403, why: "Your workstation is parked. Ask an admin to unpark it." };
    if (mayChange && !isOfOwnPage(request.rawHeaders, (found) => isOwn(found, origin, request.headers.host))) {
      noteForeign(`${entry.os_user}: ${otherPage(request, origin)}`);
      return { status: 403, why: "This was not asked for by a page of your code server, so nothing was done." };
    }
    return { entry, name: identity.name };
  } catch (error) {
    noteUnreadable(
      `the dispatch table cannot be read, so nobody is let in: ${error instanceof Error ? error.message : "broken"}`,
    );
    return { status: 503, why: "The list of workstations cannot be read at the moment. Ask an admin." };
  }
}

/** Without a setting, any scheme will do: the ingress may end TLS. */
function isOwn(found: string, origin: string | undefined, host: string | undefined): boolean {
  if (origin !== undefined) return found === origin;
  return host !== undefined && (found === `https://${host}` || found === `http://${host}`);
}

function otherPage({ headers }: IncomingMessage, origin: string | undefined): string {
  const from = headers.origin ?? "no page that a browser names";
  const found = `a request or web socket from ${from} was refused`;
  if (origin !== undefined) return `${found}: it must come from ${origin}`;
  return `${found}: it names the host ${headers.host ?? "of nobody"}; if people's browsers find their code server at another one, set workstation:devvm.gate.origin`;
}

/** Apart, so that a server which is down hides no squatter on its port. */
type Notes = Readonly<Record<"failed" | "notTheirs", (osUser: string, line: string) => void>>;

function codeServer(ingress: IngressGuard, notes: Notes, request: IncomingMessage, { entry, name }: Guest): Upstream {
  return {
    target: (ended) => ({ host: "127.0.0.1", port: entry.port, agent: upstreamAgent(entry, ended) }),
    headers: narrowed(endToEnd(request), name, ingress),
    answerHeaders: (headers) => headers,
    onFailure: (cause) => reason(cause, entry, notes),
  };
}

/** Of what could tell who somebody is, only what was checked goes on; the secret of the ingress never does. */
function narrowed(headers: OutgoingHttpHeaders, name: string, { header: secret }: IngressGuard): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([header]) => !comparableHeaderName(header).startsWith("x-authentik") && header !== secret,
  );
  return { ...Object.fromEntries(kept), [IDENTITY_HEADER]: name };
}

function reason(error: Error, { os_user }: Entry, notes: Notes): { status: number; text: string } {
  notes[error instanceof NotTheirs ? "notTheirs" : "failed"](os_user, error.message);
  if (error instanceof NotTheirs)
    return {
      status: 502,
      text: "Another user's program answers in place of your code server. Nothing was sent to it. Tell an admin.",
    };
  return {
    status: 502,
    text: "Your code server does not answer as it should. It may be starting: try again in a minute.",
  };
}

/** Nobody reads the rest of a body, so the connection ends with the answer. */
function refuse(response: ServerResponse, status: number, why: string): void {
  response
    .writeHead(status, {
      ...{ "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
      ...(response.req.complete ? {} : { connection: "close" }),
    })
    .end(`${why}\n`);
}
