/**
 * Sends many requests to one server with bounded concurrency, since one after the other is slow and all at once is a
 * burden.
 */

const AT_ONCE = 8;

/** @returns the answers in the order of the items. @throws what the first failing one threw */
export async function mapConcurrently<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) answers[next[0]] = await ask(next[1]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}
