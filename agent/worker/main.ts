/** A person's worker: everything below their home, as them; its answer is one JSON line a sentence. */

import { readFileSync } from "node:fs";
import { arm } from "../failpoint.ts";
import { Refusal, tell } from "../refusal.ts";
import { clean } from "../say.ts";
import { converge, type Step } from "../step.ts";
import { credentials } from "./credentials.ts";
import { gitFor } from "./git.ts";
import type { Place } from "./place.ts";
import { stepsOf } from "./steps.ts";
import type { CredentialsTask, WorkerLine, WorkerTask } from "./task.ts";

/** Always 0: a report that ends with `done` is whole, whatever it says. */
export async function work(): Promise<number> {
  const task: WorkerTask | CredentialsTask = JSON.parse(readFileSync(0, "utf8"));
  arm(task.failpoint);
  const home = `/home/${task.part.osUser}`;
  if (process.getuid?.() !== task.part.uid) throw new Refusal("this worker runs as somebody else than its task says");
  process.chdir("/");
  for (const make of stepsFor(task, home)) await attempt(make, task.mode);
  answer({ kind: "done" });
  return 0;
}

function stepsFor(task: WorkerTask | CredentialsTask, home: string): readonly (() => Step)[] {
  if (!isClones(task)) return [() => credentials(home, task.part)];
  const warned = new Set<string>();
  const place: Place = {
    ...task,
    home,
    git: gitFor(home, task.part),
    warn: (sentence) => {
      if (!warned.has(sentence)) answer({ kind: "warning", says: clean(sentence) });
      warned.add(sentence);
    },
  };
  return stepsOf(place);
}

const isClones = (task: WorkerTask | CredentialsTask): task is WorkerTask => task.part.kind === "clones";

/** A step that fails keeps none of the later ones from being tried. */
async function attempt(make: () => Step, mode: "apply" | "check"): Promise<void> {
  const step = make();
  try {
    await converge(step, mode, (sentence) => answer({ kind: "changed", says: clean(sentence) }));
  } catch (error) {
    answer({ kind: "failed", step: step.name, says: clean(tell(error)) });
  }
}

function answer(line: WorkerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
