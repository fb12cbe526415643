/**
 * Serves the user portal and its session API: a user's own workstation, the restore of their sessions, and a board for
 * admins.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ambiguityOf } from "../../clients/http/find-ambiguity.ts";
import { isOfForeignPage } from "../../clients/http/browser-origin-headers.ts";
import { serveIngress } from "../../clients/http/ingress-connections.ts";
import { type OpenLimit, openLimit } from "../../clients/http/open-limit.ts";
import { counted } from "../../agent/shared/facts/format.ts";
import { terminalSocketOf } from "../../agent/shared/terminal/protocol.ts";
import { createSession, hasNoSocket, isNobodyThere } from "../terminal/person-service.ts";
import { serveTerminals } from "../terminal/serve-terminals.ts";
import { TERMINALS_UNAVAILABLE } from "../terminal/unavailable-service.ts";
import { terminalPage } from "../terminal/terminal-page.ts";
import { asset } from "./assets.ts";
import { forget, restore } from "./change-sessions.ts";
import { type Handler, notWhileParked, type PortalArgs, refusal, type Turn, wantsJson } from "./handler.ts";
import { foreignPage, refusedAsForeign } from "./require-same-origin.ts";
import { errorPage } from "./error-page.ts";
import type { Site } from "./page-layout.ts";
import { seldomEach } from "../log.ts";
import { mePage } from "./me-page.ts";
import { peoplePage } from "./people-page.ts";
import { type RateLimit, rateLimit } from "./rate-limit.ts";
import { contentOf, jsonOnce, renderOnce, type Reply, send } from "./reply.ts";
import { newNameIn } from "./session-choice.ts";
import { type AuthorizeVisitor, visitorAuthorization } from "./authorize-visitor.ts";

/** More than anybody's browser asks for, and what a restore is worth: it starts programs and may take minutes. */
const REQUESTS = { burst: 100, everyMs: 50 };
const RESTORES = { burst: 6, everyMs: 10_000 };
const NEW_SESSIONS = { burst: 10, everyMs: 10_000 };

const PAUSE_MS = 1000;
/** Each takes a file descriptor and memory, which all share, until it is answered. */
const MOST_OPEN = 200;
/** Answers of one person that their browser has not read yet. They are kept in the memory that all share. */
const MOST_UNREAD_BYTES = 8 * 1024 * 1024;

/** The boxes of a form with as many sessions as a record may have. */
const MOST_BODY_BYTES = 8192;
const BODY_MS = 10_000;

const file = (name: string, type: string): Handler => {
  const content = { bytes: Buffer.from(asset(name)), type, isFile: true };
  return () => ({ status: 200, content });
};

const ROUTES: ReadonlyMap<string, { readonly method: "GET" | "POST"; readonly handle: Handler }> = new Map([
  ["/", { method: "GET", handle: me }],
  ["/people", { method: "GET", handle: people }],
  ["/api/me", { method: "GET", handle: meApi }],
  ["/api/people", { method: "GET", handle: peopleApi }],
  ["/restore", { method: "POST", handle: restore }],
  ["/forget", { method: "POST", handle: forget }],
  ["/terminal", { method: "GET", handle: terminal }],
  ["/terminal/new", { method: "POST", handle: newSession }],
  ["/style.css", { method: "GET", handle: file("style.css", "text/css; charset=utf-8") }],
  ["/icon.svg", { method: "GET", handle: file("icon.svg", "image/svg+xml") }],
  ["/page.js", { method: "GET", handle: file("page.js", "text/javascript; charset=utf-8") }],
  ["/terminal.css", { method: "GET", handle: file("terminal.css", "text/css; charset=utf-8") }],
  ["/terminal.js", { method: "GET", handle: file("terminal.js", "text/javascript; charset=utf-8") }],
]);

export function createPortal(args: PortalArgs): Server {
  const authorize = visitorAuthorization(args.lists);
  const policy = {
    authorize,
    open: openLimit(MOST_OPEN),
    unread: openLimit(MOST_UNREAD_BYTES),
    requests: rateLimit(REQUESTS, Date.now),
    restores: rateLimit(RESTORES, Date.now),
    newSessions: rateLimit(NEW_SESSIONS, Date.now),
    noteFailed: seldomEach(args.lists.log, Date.now),
  };
  const server = createServer((request, response) => {
    answer(args, policy, request, response).catch((error: unknown) => {
      // A client that leaves in the middle of its body is nobody's failure.
      if (request.socket.destroyed) return;
      args.lists.log(messageOf(error));
      send(request, response, { status: 502, ...refusal(args.site, request, 502, noAnswer(request)) });
    });
  });
  serveIngress(server);
  server.requestTimeout = BODY_MS;
  const { ingress, lists, site, terminals } = args;
  serveTerminals(server, { ingress, authorize, lists, origin: site.origin, ...terminals });
  return server;
}

interface Policy extends Readonly<Record<"requests" | "restores" | "newSessions", RateLimit>> {
  readonly authorize: AuthorizeVisitor;
  readonly open: OpenLimit;
  readonly unread: OpenLimit;
  readonly noteFailed: (osUser: string, line: string) => void;
}

async function answer(
  args: PortalArgs,
  policy: Policy,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { site, ingress } = args;
  const refuse = (status: number, why: string) =>
    send(request, response, { status, ...refusal(site, request, status, why) });
  const route = ROUTES.get((request.url ?? "").split("?")[0] ?? "");
  const guest = ambiguityOf(request) ?? ingress.refuse(request) ?? policy.authorize(request.rawHeaders);
  if ("why" in guest) return refuse(guest.status, guest.why);
  // It would use up what the reader of that page may ask for here.
  if (isOfForeignPage(request.rawHeaders)) return refuse(403, foreignPage(site.origin));
  // Before the pause, which would hold any number of them.
  if (!policy.open.enter(guest.osUser, response))
    return refuse(429, `You have ${MOST_OPEN} requests open, which is all that one person may. Close some tabs.`);
  const hasty = policy.requests.take(guest.osUser);
  if (hasty > 0) return later(response, refuse, hasty);
  if (route === undefined) return refuse(404, "There is no such page here.");
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method !== route.method) {
    response.setHeader("allow", route.method);
    return refuse(405, `Only ${route.method} is understood here.`);
  }
  const foreign = route.method === "POST" ? refusedAsForeign(request, site.origin) : undefined;
  if (foreign !== undefined) return refuse(foreign.status, foreign.why);
  const body = await bodyOf(request);
  if (body === undefined) return refuse(413, "Request body too large.");
  const limit = route.handle === newSession ? policy.newSessions : policy.restores;
  const waitSeconds = route.method === "POST" ? limit.take(guest.osUser) : 0;
  if (waitSeconds > 0) return later(response, refuse, waitSeconds);
  const noteFailed = (error: unknown) => policy.noteFailed(guest.osUser, messageOf(error));
  const turn = { args, guest, request, body, noteFailed };
  const reply = await Promise.resolve(route.handle(turn)).catch((error: unknown) => {
    noteFailed(error);
    return { status: 502, ...refusal(site, request, 502, noAnswer(request)) };
  });
  const content = contentOf(reply);
  const unread = request.method === "HEAD" ? 0 : content.bytes.length;
  if (unread > 0 && !policy.unread.enter(guest.osUser, response, unread))
    return refuse(429, `${route.method === "POST" ? (UNSHOWN.get(reply.status) ?? "") : ""}${UNREAD}`);
  send(request, response, "location" in reply ? reply : { status: reply.status, content });
}

/** A change may have been made, or still be under way, when its answer does not come. */
const noAnswer = ({ method }: IncomingMessage): string =>
  `The host did not answer as it should. ${method === "POST" ? UNKNOWN : "Try again in a minute."}`;
const UNKNOWN =
  "It is not known whether this was done: look at your workstation in a few minutes before you ask again.";
/** By the status of an answer to a POST that is not sent. */
const UNSHOWN: ReadonlyMap<number, string> = new Map([
  [200, "It was tried, and its outcome is not shown: look at your workstation. "],
  [502, "It is not known whether this was done. "],
]);
const UNREAD = "Too many of your answers are still being sent. Close some tabs, or try again later.";

/** Answers a person who asks too often, after a pause: a loop that asks again at once is slowed down by it. */
async function later(
  response: ServerResponse,
  refuse: (status: number, why: string) => void,
  seconds: number,
): Promise<void> {
  await sleep(PAUSE_MS);
  response.setHeader("retry-after", String(seconds));
  refuse(429, `That was asked for too often. Try again in ${counted(seconds, "second")}.`);
}

async function me({ args: { host, site }, guest }: Turn): Promise<Reply> {
  const answer = await host.facts(guest.osUser);
  return { status: 200, content: renderOnce(answer, guest, () => mePage({ site, guest, answer, nowMs: Date.now() })) };
}

async function meApi({ args: { host }, guest }: Turn): Promise<Reply> {
  const answer = await host.facts(guest.osUser);
  return { status: 200, content: jsonOnce(answer, () => answer) };
}

async function people({ args: { host, site }, guest }: Turn): Promise<Reply> {
  if (!guest.admin) return { status: 403, page: errorPage(site, 403, NOT_ADMIN) };
  const people = await host.everybody();
  return {
    status: 200,
    content: renderOnce(people, guest, () => peoplePage({ site, guest, people, nowMs: Date.now() })),
  };
}

async function peopleApi({ args: { host }, guest }: Turn): Promise<Reply> {
  if (!guest.admin) return { status: 403, json: { error: NOT_ADMIN } };
  const people = await host.everybody();
  return { status: 200, content: jsonOnce(people, () => ({ people })) };
}

const NOT_ADMIN = "The board of all people is for admins.";

async function terminal({ args: { site, terminals }, guest, request }: Turn): Promise<Reply> {
  const session = new URL(request.url ?? "/", site.origin).searchParams.get("session");
  if (session === null || session === "")
    return { status: 404, ...refusal(site, request, 404, "No session is named.") };
  if (guest.parked) return notWhileParked(site, request);
  if (await hasNoSocket((terminals?.socketOf ?? terminalSocketOf)(guest.osUser))) return noTerminals(site, request);
  return { status: 200, page: terminalPage(site, session, request.headers) };
}

/** Systemd has given their service up or has not been told of it yet: a restore or the next delivery starts it. */
function noTerminals(site: Site, request: IncomingMessage): Reply {
  const status = TERMINALS_UNAVAILABLE.status;
  return { status, ...refusal(site, request, status, TERMINALS_UNAVAILABLE.why) };
}

/** A session begins with the launcher, in a terminal service that runs as the user who has signed in. */
async function newSession({ args: { site, terminals, lists }, guest, request, body }: Turn): Promise<Reply> {
  if (guest.parked) return notWhileParked(site, request);
  const wanted = newNameIn(request.headers["content-type"] ?? "", body);
  if ("why" in wanted) return { status: 400, ...refusal(site, request, 400, wanted.why) };
  const socketPath = (terminals?.socketOf ?? terminalSocketOf)(guest.osUser);
  const made = await createSession(socketPath, wanted.name).catch((error: unknown) => {
    if (isNobodyThere(error)) return undefined;
    throw error;
  });
  if (made === undefined) return noTerminals(site, request);
  if ("refused" in made) return { status: 409, ...refusal(site, request, 409, made.refused) };
  lists.log(`${guest.osUser}: session ${made.name} started, asked for by ${guest.name}`);
  if (wantsJson(request)) return { status: 200, json: made };
  return { status: 303, location: `/terminal?session=${encodeURIComponent(made.name)}` };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "failed");

/** Reads a body to its end, so that a connection can go on; undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    const read = Buffer.from(piece as Buffer);
    bytes += read.length;
    if (bytes > MOST_BODY_BYTES) return undefined;
    pieces.push(read);
  }
  return Buffer.concat(pieces).toString("utf8");
}
