/** The agent's entry: root's commands, a person's worker, or the ending of one uid's processes. */

import { Refusal, tell } from "./refusal.ts";

/** The two halves are loaded only when needed: a worker starts without what root alone uses. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === "worker") return (await import("./worker/main.ts")).work();
  if (argv[0] === "end-all") {
    // As that person, and never as root, to whom this would be everybody.
    if (process.getuid?.() === 0) throw new Refusal("end-all is not for root");
    process.kill(-1, "SIGKILL");
    return 0;
  }
  return (await import("./root/command.ts")).command(argv);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`workstation: ${tell(error)}\n`);
  process.exitCode = error instanceof Refusal ? 2 : 70;
}
