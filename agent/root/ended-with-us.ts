/** Units of people's that root waits for end when root's side is told to: nothing else would end them before their deadline. */

type End = () => Promise<unknown>;

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
const atWork = new Set<End>();

/** Does the work; whoever asks this process to end in the meantime ends with it what `end` ends. */
export async function endedWithUs<T>(end: End, work: () => Promise<T>): Promise<T> {
  if (atWork.size === 0) for (const signal of SIGNALS) process.on(signal, endAll);
  atWork.add(end);
  try {
    return await work();
  } finally {
    atWork.delete(end);
    if (atWork.size === 0) for (const signal of SIGNALS) process.off(signal, endAll);
  }
}

/** Then the signal does what it would have done. */
async function endAll(signal: NodeJS.Signals): Promise<void> {
  await Promise.all([...atWork].map((end) => end()));
  for (const each of SIGNALS) process.off(each, endAll);
  process.kill(process.pid, signal);
}
