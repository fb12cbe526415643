/** A person's facts worker: its task on standard input, its answer one JSON line. */

import { readFileSync } from "node:fs";
import { Refusal } from "../../refusal.ts";
import type { FactsTask } from "../model.ts";
import { lookAtOneself } from "./look.ts";

export async function workOnFacts(): Promise<number> {
  const task: FactsTask = JSON.parse(readFileSync(0, "utf8"));
  if (process.getuid?.() !== task.uid) throw new Refusal("this worker runs as somebody else than its task says");
  process.chdir("/");
  process.stdout.write(`${JSON.stringify(await lookAtOneself(task))}\n`);
  return 0;
}
