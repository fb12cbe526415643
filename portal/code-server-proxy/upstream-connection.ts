/** Opens a connection to one user's code server and verifies that it is theirs before a byte is sent. */

import { once } from "node:events";
import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { type ConcurrencyLimit, concurrencyLimit } from "../concurrency-limit.ts";
import type { Entry } from "./dispatch-table.ts";
import { findOwner, uidOf } from "./connection-owner.ts";

/** A back end on the same machine accepts at once or is down. */
const CONNECT_MS = 3000;
/** Until a back end has accepted, it is looked for again: soon at first, and then ever more seldom. */
const LOOK_AGAIN_MS = 10;
const SELDOM_MS = 80;

export class NotTheirs extends Error {
  override readonly name = "NotTheirs";
}

/**
 * One connection a request: none is kept, so none can outlive the table's entry.
 *
 * @param ended aborts when the exchange has ended: a connection that waits or is being opened for it is given up
 */
export function upstreamAgent({ os_user, port }: Entry, ended: AbortSignal): Agent {
  const agent = new Agent({ keepAlive: false });
  // Node's own hook for this; its types know only the older form, without an answer that comes later.
  const hook: { createConnection: Connector } = agent as never;
  hook.createConnection = (_options, made) => {
    laneOf(os_user)(() => open(os_user, port, ended), ended).then(
      (socket) => made(null, socket),
      (error: Error) => made(error),
    );
  };
  return agent;
}

/** So many connections of one person are opened at a time: a hundred at once are served as fast, and others in between. */
const MOST_OPENING = 16;
const lanes = new Map<string, ConcurrencyLimit>();

function laneOf(osUser: string): ConcurrencyLimit {
  const lane = lanes.get(osUser) ?? concurrencyLimit(MOST_OPENING);
  lanes.set(osUser, lane);
  return lane;
}

type Connector = (options: unknown, made: (error: Error | null, socket?: Socket) => void) => void;

/** Connected, accepted, and theirs. */
async function open(osUser: string, port: number, ended: AbortSignal): Promise<Socket> {
  // An editor sends small pieces back and forth; a peer that has vanished is noticed.
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, keepAlive: true });
  // From the first moment on: an error without a listener ends the whole process.
  socket.on("error", () => socket.destroy());
  const late = setTimeout(() => socket.destroy(new Error("it does not accept")), CONNECT_MS);
  const giveUp = () => socket.destroy(new Error("its client has gone"));
  ended.addEventListener("abort", giveUp, { once: true });
  try {
    await once(socket, "connect");
    await whenTheirs(socket, osUser, port);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(late);
    ended.removeEventListener("abort", giveUp);
  }
}

/** Waits until the far end has accepted, and is sure whose it is. @throws NotTheirs */
async function whenTheirs(socket: Socket, osUser: string, port: number): Promise<void> {
  const uid = uidOf(osUser);
  const localPort = socket.localPort;
  if (uid === undefined || localPort === undefined) throw new NotTheirs(`there is no account ${osUser} here`);
  for (let pauseMs = LOOK_AGAIN_MS; !socket.destroyed; pauseMs = Math.min(2 * pauseMs, SELDOM_MS)) {
    // Of the accepted socket and not of the listener: that one could be another's by now.
    const owner = await findOwner({ address: "127.0.0.1", port, peer: "127.0.0.1", peerPort: localPort });
    if (owner === uid) return;
    if (owner !== undefined) throw new NotTheirs(`port ${port} of ${osUser} is answered by uid ${owner}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new Error("it does not accept");
}
