/** Finds the hosts that do not answer: changes elsewhere must not wait for a host that is down. */

import { connect } from "node:net";
import type { StackSettings } from "../config/settings/stack-settings.ts";

type Host = StackSettings["hosts"][number];

const ANSWER_MS = 5000;

/** @returns name to reason of every host that took no connection on its SSH port */
export async function unreachableHosts(hosts: readonly Host[]): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(hosts.map(async (host) => [host.name, await whyNot(host)] as const));
  return new Map(found.flatMap(([name, why]) => (why === undefined ? [] : [[name, why] as const])));
}

function whyNot({ address, port }: Host): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: ANSWER_MS });
    const end = (why?: string) => {
      socket.destroy();
      resolve(why);
    };
    socket.on("connect", () => end());
    socket.on("timeout", () => end(`no answer within ${ANSWER_MS / 1000} s`));
    socket.on("error", (error) => end(error.message));
  });
}
