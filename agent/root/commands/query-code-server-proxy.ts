/** Sends a request to this host's code-server proxy as the identity proxy would, to see whom it admits. */

import { request } from "node:http";
import type { BasePart } from "../../contract.ts";

type Listen = NonNullable<BasePart["gate"]>["listen"];

const LATE_MS = 5000;

/** The status of its answer; null when none came in time. */
export function queryCodeServerProxy(listen: Listen, login: string): Promise<number | null> {
  const way = "socket" in listen ? { socketPath: listen.socket } : { host: listen.address, port: listen.port };
  return new Promise((resolve) => {
    const headers = { "x-authentik-username": login, host: "probe" };
    const asked = request({ ...way, headers, method: "HEAD", path: "/", timeout: LATE_MS, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? null);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(null));
    asked.end();
  });
}
