/** The name, typed by the person at the keyboard: a yes is said too easily. */

import { createInterface } from "node:readline/promises";

/** @returns whether exactly this was typed; false where nobody sits at a terminal */
export async function typed(name: string, question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await lines.question(question)) === name;
  } finally {
    lines.close();
  }
}
