/** Ends what is open of users whom the dispatch table no longer lets in: it is looked at once a second. */

import { type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { breakOff } from "../clients/http/forward-request.ts";
import { whenClosed } from "../clients/http/when-closed.ts";
import type { Dispatch, Table } from "./code-server-proxy/dispatch-table.ts";

/** Who was let in, as they signed in, and whose workstation they were let into. */
export interface Holder {
  readonly name: string;
  readonly osUser: string;
}

/** Has a request or web socket of somebody who was let in reviewed until it ends. */
export type ReviewOpen = (holder: Holder, of: ServerResponse | Duplex) => void;

/** After a deployment, so soon a connection is closed that its user may no longer have. */
const REVIEW_MS = 1000;

/** @param server with whose end the reviews end */
export function reviewOpenConnections(server: Server, dispatch: Dispatch): ReviewOpen {
  const open = new Map<ServerResponse | Duplex, Holder>();
  const review = setInterval(() => {
    if (open.size === 0) return;
    const table = tableNow(dispatch);
    for (const [of, holder] of open) if (!mayStay(holder, table)) end(of);
  }, REVIEW_MS);
  server.once("close", () => clearInterval(review));
  return (holder, of) => {
    if (whenClosed(of, () => open.delete(of))) open.set(of, holder);
  };
}

/** As for a new request: whose table cannot be read is not let in, either. */
function tableNow(dispatch: Dispatch): Table {
  try {
    return dispatch.read();
  } catch {
    return new Map();
  }
}

function mayStay({ name, osUser }: Holder, table: Table): boolean {
  const entry = table.get(name);
  return entry?.os_user === osUser && entry.parked !== true;
}

function end(of: ServerResponse | Duplex): void {
  if (!(of instanceof ServerResponse)) return void of.destroy();
  breakOff(of);
  // One that waits behind another on its connection would go on at its code server.
  of.req.socket.destroy();
}
