/** Keeps one terminal connected: reports each state, and tries again after a loss, sooner at first and then more seldom. */

import { TERMINALS_UNAVAILABLE } from "../unavailable-service.ts";

export type State =
  | { readonly is: "connecting" | "attached" | "ended" | "missing" }
  | { readonly is: "dropped"; readonly inMs: number; readonly why?: string }
  /** There is no use in trying again by itself. */
  | { readonly is: "refused"; readonly why: string };

export interface Link {
  send(data: string | Uint8Array): void;
  close(): void;
}

export interface LinkEvents {
  text(data: string): void;
  bytes(data: Uint8Array): void;
  /** @param code of the web socket */
  closed(code: number): void;
}

/** Whether the portal lets this user in now; `away` when it cannot be reached. */
export type Check = "ready" | "away" | { readonly refused: string };

/** What the portal's answer to a request for the page says. */
export function checkOf({ ok, status, type }: Pick<Response, "ok" | "status" | "type">): Check {
  if (ok) return "ready";
  if (status === TERMINALS_UNAVAILABLE.status) return { refused: TERMINALS_UNAVAILABLE.why };
  if (status === 409) return { refused: "Your workstation is parked. Ask an admin to unpark it." };
  if (status === 403) return { refused: "You are not let in any more. Ask an admin." };
  // The sign-in in front of the page sends elsewhere whose sign-in has expired, or refuses them.
  if (type === "opaqueredirect" || status === 401)
    return { refused: "Your sign-in has expired. Load this page again." };
  return "away";
}

export interface ConnectionArgs {
  readonly open: (events: LinkEvents) => Link;
  /** A refused web socket tells a page no reason, so the page itself is asked for before one is opened again. */
  readonly check: (givenUp: AbortSignal) => Promise<Check>;
  readonly show: (state: State) => void;
  /** @param isFirst whether it is the first of a connection: the whole screen follows */
  readonly output: (data: Uint8Array, isFirst: boolean) => void;
  readonly setTimer: (run: () => void, ms: number) => unknown;
  readonly clearTimer: (timer: unknown) => void;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export interface Connection {
  start(): void;
  /** Not connected: it is dropped, since nobody would see what it does. */
  send(data: string | Uint8Array): void;
  /** Does not wait any longer. */
  retryNow(): void;
}

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** The service reports every ten seconds that it is there. */
const SILENT_MS = 25_000;
/** A network that is lost in silence leaves a request without an answer for as long as the browser waits, which is minutes. */
const CHECK_MS = 10_000;
const CLOSED = { ended: 4000, missing: 4004, tooMany: 4029, failed: 4500 } as const;

/** Doubles with each attempt; a part is by chance, so that all tabs do not come at the same moment. */
export const retryDelayMs = (attempt: number, random: number): number =>
  Math.round(Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.75 + random / 2));

/** What the service tells of a terminal that it cannot open, before it closes the connection. */
function whyIn(text: string): string | undefined {
  try {
    const told: unknown = JSON.parse(text);
    return typeof told === "object" && told !== null && "why" in told ? String(told.why) : undefined;
  } catch {
    return undefined;
  }
}

export function keepConnected(args: ConnectionArgs): Connection {
  const { show, output, setTimer, clearTimer } = args;
  let link: Link | undefined;
  let timer: unknown;
  let attempt = 0;
  let checking: AbortController | undefined;

  const wait = (run: () => void, ms: number) => {
    clearTimer(timer);
    timer = setTimer(run, ms);
  };
  const end = (state: State) => {
    clearTimer(timer);
    link = undefined;
    show(state);
  };
  const drop = (why?: string) => {
    const inMs = retryDelayMs(attempt, args.random());
    attempt += 1;
    end({ is: "dropped", inMs, ...(why === undefined ? {} : { why }) });
    wait(again, inMs);
  };
  const again = () => {
    // A second press must not open a second connection.
    if (checking !== undefined) return;
    const mine = new AbortController();
    checking = mine;
    show({ is: "connecting" });
    const settle = (found: Check) => {
      if (checking !== mine) return;
      checking = undefined;
      mine.abort();
      if (found === "away") drop();
      else if (found === "ready") open();
      else end({ is: "refused", why: found.refused });
    };
    const away = () => settle("away");
    wait(away, CHECK_MS);
    args.check(mine.signal).then(settle, away);
  };
  const open = () => {
    let isFirst = true;
    let why: string | undefined;
    show({ is: "connecting" });
    const mine = args.open({
      text(data) {
        if (link !== mine) return;
        wait(lost, SILENT_MS);
        why = whyIn(data) ?? why;
      },
      bytes(data) {
        if (link !== mine) return;
        wait(lost, SILENT_MS);
        if (isFirst) {
          attempt = 0;
          show({ is: "attached" });
        }
        output(data, isFirst);
        isFirst = false;
      },
      closed(code) {
        if (link !== mine) return;
        if (code === CLOSED.ended) end({ is: "ended" });
        else if (code === CLOSED.missing) end({ is: "missing" });
        else if (code === CLOSED.tooMany) end({ is: "refused", why: "You have too many terminals open. Close some." });
        else drop(code === CLOSED.failed ? why : undefined);
      },
    });
    const lost = () => {
      mine.close();
      drop();
    };
    link = mine;
    wait(lost, SILENT_MS);
  };

  return {
    start: open,
    send: (data) => link?.send(data),
    retryNow: () => link === undefined && again(),
  };
}
