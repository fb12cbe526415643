/** Runs many commands of tmux by few clients. */

import type { Tmux } from "./tmux-client.ts";

/** In bytes, far below what one message to the server holds. */
export const LONGEST_BATCH = 8000;

/**
 * By as few clients as a message to the server allows; one by one where a session has ended meanwhile, since that keeps those
 * behind it from being run. A server that does not answer is not asked again.
 */
export async function runBatches(tmux: Tmux, commands: readonly (readonly string[])[]): Promise<string> {
  const printed: string[] = [];
  for (const batch of batchesOf(commands)) {
    const all = await tmux.try(batch.flatMap((command) => [";", ...command]).slice(1));
    if (all.timedOut) break;
    if (all.code === 0) printed.push(all.stdout);
    else for (const command of batch) printed.push((await tmux.try(command)).stdout);
  }
  return printed.join("");
}

function batchesOf(commands: readonly (readonly string[])[]): readonly (readonly (readonly string[])[])[] {
  const batches: (readonly string[])[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const command of commands) {
    bytes += Buffer.byteLength(command.join(" ")) + 3;
    if (bytes <= LONGEST_BATCH) batches.at(-1)?.push(command);
    else {
      batches.push([command]);
      bytes = Buffer.byteLength(command.join(" "));
    }
  }
  return batches;
}
