/** Serves one user's terminals: attaches web sockets to their tmux sessions and makes new sessions, as that user. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { messageOf, Refusal } from "../../lib/errors.ts";
import { clean } from "../../lib/log.ts";
import {
  ATTACH_PATH,
  CLOSED,
  LONGEST_MESSAGE_BYTES,
  type NewSessionAnswer,
  newSessionName,
  SESSIONS_PATH,
  type TerminalSize,
  terminalSize,
} from "../../shared/terminal/protocol.ts";
import type { TmuxClient } from "./attach-client.ts";
import { joinTerminal } from "./terminal-connection.ts";

export interface TerminalServerArgs {
  /** tmux's own id of a session by its name. */
  readonly find: (name: string) => Promise<string | undefined>;
  readonly attach: (sessionId: string, size: TerminalSize) => Promise<TmuxClient>;
  readonly create: (name: string | undefined) => Promise<NewSessionAnswer>;
  readonly log: (line: string) => void;
  /** So many terminals may be open at a time. */
  readonly mostTerminals: number;
  /** Called when nothing has been open for so long. */
  readonly idle: { readonly afterMs: number; readonly end: () => void };
}

export function createTerminalServer(args: TerminalServerArgs): Server {
  const { create, log, mostTerminals } = args;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LONGEST_MESSAGE_BYTES, perMessageDeflate: false });
  const open = new Set<object>();
  const enter = idleTimer(open, args.idle);
  const oneAfterAnother = serialTasks();
  const server = createServer((request, response) => {
    enter(response);
    const url = urlOf(request);
    if (request.method !== "POST" || url.pathname !== SESSIONS_PATH)
      return answer(response, 404, { refused: "not found" });
    const name = url.searchParams.get("name");
    const checked = name === null ? undefined : newSessionName.safeParse(name);
    if (checked?.success === false) return answer(response, 400, { refused: "That is not a valid session name." });
    oneAfterAnother(() => create(checked?.data)).then(
      (made) => answer(response, "name" in made ? 200 : 409, made),
      (error: unknown) => {
        log(messageOf(error));
        answer(response, 500, { refused: "The session could not be started. Ask an admin to read the journal." });
      },
    );
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    sockets.handleUpgrade(request, socket, head, (browser) => {
      browser.on("error", (error) => log(`a terminal was closed: ${error.message}`));
      if (open.size >= mostTerminals) return browser.close(CLOSED.tooMany, "too many");
      enter(socket);
      begin(browser, urlOf(request), args).catch((error: unknown) => {
        log(messageOf(error));
        if (error instanceof Refusal) browser.send(JSON.stringify({ why: clean(error.message) }));
        end(browser, CLOSED.failed, "failed");
      });
    });
  });
  return server;
}

async function begin(browser: WebSocket, url: URL, { find, attach, log }: TerminalServerArgs): Promise<void> {
  const size = terminalSize.safeParse({ cols: url.searchParams.get("cols"), rows: url.searchParams.get("rows") });
  if (url.pathname !== ATTACH_PATH || !size.success) return end(browser, CLOSED.missing, "missing");
  // What is typed before the client is there waits in the connection.
  browser.pause();
  const id = await find(url.searchParams.get("session") ?? "");
  if (id === undefined) return end(browser, CLOSED.missing, "missing");
  const client = await attach(id, size.data);
  if (browser.readyState !== browser.OPEN) return client.close();
  joinTerminal(browser, client, log);
  browser.resume();
}

/** A connection that is not read would never see its own end. */
function end(browser: WebSocket, code: number, reason: string): void {
  browser.resume();
  browser.close(code, reason);
}

const urlOf = ({ url }: IncomingMessage): URL => new URL(url ?? "/", "http://terminal");

function answer(response: ServerResponse, status: number, body: NewSessionAnswer): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(body));
}

/** Two requests at once would both start a server, or choose the same name. */
function serialTasks(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task);
    last = next.catch(() => undefined);
    return next;
  };
}

/** @returns counts something as open until its `close` */
function idleTimer(open: Set<object>, { afterMs, end }: TerminalServerArgs["idle"]) {
  let timer = setTimeout(end, afterMs);
  return (of: NodeJS.EventEmitter) => {
    clearTimeout(timer);
    open.add(of);
    of.once("close", () => {
      open.delete(of);
      clearTimeout(timer);
      if (open.size === 0) timer = setTimeout(end, afterMs);
    });
  };
}
