/** Joins one web socket and one tmux client: keys and sizes go in, output comes out, and neither side fills any memory. */

import type { WebSocket } from "ws";
import { messageOf } from "../../lib/errors.ts";
import { flowControl } from "../../shared/terminal/flow-control.ts";
import { ALIVE, ALIVE_EVERY_MS, CLOSED, parseControl } from "../../shared/terminal/protocol.ts";
import type { TmuxClient } from "./attach-client.ts";

/** A screen of 200 by 50 in full colour is about 200 KiB: one is drawn while the next is on its way. */
const MOST_UNDRAWN_BYTES = 512 * 1024;
/** Of those, what the connection has not taken: a browser may report as drawn what it has never read. */
const MOST_UNSENT_BYTES = 512 * 1024;
/** A browser that answers no ping for so many turns is gone. */
const MOST_SILENT_TURNS = 3;
/** RFC 6455: a message that is not understood. */
const POLICY_VIOLATION = 1008;

/** @param log one line for the journal */
export function joinTerminal(browser: WebSocket, client: TmuxClient, log: (line: string) => void): void {
  const flow = flowControl(MOST_UNDRAWN_BYTES);
  let isDrawn = true;
  const goOn = () => {
    if (isDrawn && browser.bufferedAmount < MOST_UNSENT_BYTES) client.output.resume();
  };
  client.output.on("data", (piece: Buffer) => {
    browser.send(piece, goOn);
    if (flow.sent(piece.length)) isDrawn = false;
    if (!isDrawn || browser.bufferedAmount >= MOST_UNSENT_BYTES) client.output.pause();
  });
  client.output.once("end", () => browser.close(CLOSED.ended, "ended"));
  client.onDrain(() => browser.resume());
  browser.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      if (!client.write(data)) browser.pause();
      return;
    }
    const control = parseControl(data.toString("utf8"));
    if (control === undefined) return browser.close(POLICY_VIOLATION, "not understood");
    if ("resize" in control) client.resize(control.resize).catch((error: unknown) => log(messageOf(error)));
    else {
      if (flow.drawn(control.drawn)) isDrawn = true;
      goOn();
    }
  });
  const alive = keepAlive(browser);
  browser.once("close", () => {
    clearInterval(alive);
    client.close();
  });
}

function keepAlive(browser: WebSocket): NodeJS.Timeout {
  let silent = 0;
  browser.on("pong", () => {
    silent = 0;
  });
  return setInterval(() => {
    silent += 1;
    if (silent > MOST_SILENT_TURNS) return browser.terminate();
    browser.ping();
    browser.send(ALIVE);
  }, ALIVE_EVERY_MS);
}
