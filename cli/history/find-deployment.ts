/** Finds the deployment that first brought about a commit: the first successful one whose commit contains it. */

import { readDeploymentMessage, UNKNOWN_PUSHER } from "../../roster/deployment-message.ts";
import type { Update } from "../pulumi.ts";

export interface Delivery {
  /** ISO 8601. */
  readonly at: string;
  /** The commit that was deployed; it may be a later one. */
  readonly commit: string;
  /** Absent where somebody deployed by hand. */
  readonly pusher?: string;
}

export interface Deliveries {
  readonly of: (commit: string) => Delivery | undefined;
  /** The last one that failed with the commit in it, where none has ended well since. */
  readonly failedOf: (commit: string) => Delivery | undefined;
}

/** @param updates in any order */
export function deliveriesFrom(
  updates: readonly Update[],
  parents: ReadonlyMap<string, readonly string[]>,
): Deliveries {
  const inOrder = updates
    .filter(({ kind }) => kind === "update")
    .sort((a, b) => Date.parse(a.endTime) - Date.parse(b.endTime));
  const good = new Map<string, Delivery>();
  const bad = new Map<string, Delivery>();
  for (const update of inOrder) {
    const delivery = deliveryOf(update);
    if (delivery !== undefined) reach(delivery, parents, update.result === "succeeded" ? good : bad);
  }
  return { of: (commit) => good.get(commit), failedOf: (commit) => (good.has(commit) ? undefined : bad.get(commit)) };
}

function deliveryOf({ message, environment, endTime }: Update): Delivery | undefined {
  const commit = environment["git.head"];
  if (commit === undefined) return undefined;
  const deployment = readDeploymentMessage(message, commit);
  return { at: endTime, commit, ...(deployment === undefined ? {} : { pusher: deployment.pusher ?? UNKNOWN_PUSHER }) };
}

/** Notes the delivery at everything below its commit that no earlier one has reached: each commit is visited once. */
function reach(
  delivery: Delivery,
  parents: ReadonlyMap<string, readonly string[]>,
  reached: Map<string, Delivery>,
): void {
  const queue = [delivery.commit];
  for (let commit = queue.pop(); commit !== undefined; commit = queue.pop()) {
    if (reached.has(commit)) continue;
    reached.set(commit, delivery);
    queue.push(...(parents.get(commit) ?? []));
  }
}
