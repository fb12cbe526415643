/** Declares resources with bounded concurrency: a thousand people's requests at once would fill the memory. */

import type * as pulumi from "@pulumi/pulumi";

/** More than the engine works on at once, so that it never waits for the program. */
const UNDER_WAY = 64;

/**
 * Calls `declare` for each item in order; the next one has its turn when the engine has answered for an earlier one.
 * @param declare returns the resource that the engine answers for last; nothing where there is none to wait for
 */
export async function inTurns<Item>(
  items: Iterable<Item>,
  declare: (item: Item) => pulumi.Resource | undefined,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const last = declare(next.value);
      if (last !== undefined) await new Promise<void>((resolve) => last.urn.apply(() => resolve()));
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, worker));
}
