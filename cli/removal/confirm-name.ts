/** Asks the operator to type a name as confirmation, since a yes is typed too easily. */

import { createInterface } from "node:readline";
import type { Terminal } from "../terminal.ts";

/** @returns whether exactly this was typed; false for Ctrl-C, Ctrl-D or a terminal that goes away, and where nobody sits at one */
export async function confirmName(name: string, question: string, { out }: Pick<Terminal, "out">): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await new Promise<boolean>((resolve) => {
      lines.on("close", () => {
        out("");
        resolve(false);
      });
      lines.question(question, (answer) => resolve(answer === name));
    });
  } finally {
    lines.removeAllListeners("close");
    lines.close();
  }
}
