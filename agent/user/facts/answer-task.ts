/** Answers a facts task from standard input, as its user, with one line of JSON. */

import { readFileSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import type { FactsTask } from "../../shared/facts/facts-schemas.ts";
import { collectOwnFacts } from "./collect-facts.ts";

export async function workOnFacts(): Promise<number> {
  const task: FactsTask = JSON.parse(readFileSync(0, "utf8"));
  if (process.getuid?.() !== task.uid) throw new Refusal("this worker does not run as the user of its task");
  process.chdir("/");
  process.stdout.write(`${JSON.stringify(await collectOwnFacts(task))}\n`);
  return 0;
}
