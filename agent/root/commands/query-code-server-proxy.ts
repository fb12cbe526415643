/** Sends a request to this host's code-server proxy as the identity proxy would, to see whom it admits. */

import { request } from "node:http";
import type { BasePart } from "../../contract.ts";
import { loadPart } from "../state/stored-parts.ts";
import type { System } from "../system/privileged-operations.ts";

type Listen = NonNullable<BasePart["gate"]>["listen"];

const LATE_MS = 5000;

/** The status of its answer; null when this host has no such proxy, or no answer came in time. */
export async function queryCodeServerProxy(sys: System, login: string): Promise<number | null> {
  const base = loadPart(sys, "base");
  const secret = loadPart(sys, "ingress-secret")?.accepted[0];
  if (base?.gate === undefined) return null;
  const proof = base.ingressSecret === undefined || secret === undefined ? {} : { [base.ingressSecret.header]: secret };
  return await statusOf(base.gate.listen, { ...proof, "x-authentik-username": login, host: "probe" });
}

function statusOf(listen: Listen, headers: Readonly<Record<string, string>>): Promise<number | null> {
  const target = "socket" in listen ? { socketPath: listen.socket } : { host: listen.address, port: listen.port };
  return new Promise((resolve) => {
    const query = request(
      { ...target, headers, method: "HEAD", path: "/", timeout: LATE_MS, agent: false },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? null);
      },
    );
    query.on("timeout", () => query.destroy());
    query.on("error", () => resolve(null));
    query.end();
  });
}
