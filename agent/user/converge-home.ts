/** Converges one home as its user and answers with one line of JSON per result. */

import { setSubject, arm } from "../lib/failpoints.ts";
import { Refusal, messageOf } from "../lib/errors.ts";
import { clean } from "../lib/log.ts";
import { converge, type Step } from "../lib/converge.ts";
import { gitFor } from "../lib/git.ts";
import type { StepContext } from "./home/step-context.ts";
import { credentialSteps, stepsOf } from "./step-order.ts";
import { ABORT_SOON, type CredentialsTask, type WorkerLine, type WorkerTask } from "../shared/worker-protocol.ts";

/** Always 0: a report that ends with `done` is whole, whatever it says. */
export async function work(): Promise<number> {
  try {
    const { task, abortSoon } = await readTask();
    arm(task.failpoint);
    setSubject(task.part.osUser);
    const home = `/home/${task.part.osUser}`;
    if (process.getuid?.() !== task.part.uid) throw new Refusal("this worker does not run as the user of its task");
    process.chdir("/");
    if (isClones(task)) await onClones(task, home, abortSoon);
    else for (const step of credentialSteps(home, task.part)) await attempt(() => step, task.mode);
    answer({ kind: "done" });
    return 0;
  } finally {
    // Open until then, since a last word may come at any time.
    process.stdin.destroy();
  }
}

async function onClones(task: WorkerTask, home: string, abortSoon: AbortSignal): Promise<void> {
  const warned = new Set<string>();
  const git = gitFor(home, task.part, abortSoon);
  const warn = (sentence: string) => {
    if (!warned.has(sentence)) answer({ kind: "warning", says: clean(sentence) });
    warned.add(sentence);
  };
  const context: StepContext = { ...task, home, git, warn };
  for (const make of stepsOf(context)) await attempt(make, task.mode);
  if (git.unfinished()) answer({ kind: "unfinished" });
}

/** The task is one line; a second one, at any time, says that everybody else is done. */
function readTask(): Promise<{ readonly task: WorkerTask | CredentialsTask; readonly abortSoon: AbortSignal }> {
  const abortSoon = new AbortController();
  let text = "";
  return new Promise((resolve, reject) => {
    const begin = (line: string) => {
      try {
        resolve({ task: JSON.parse(line), abortSoon: abortSoon.signal });
      } catch (error) {
        reject(error);
      }
    };
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (chunk: string) => {
      const before = text.indexOf("\n");
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0 && before < 0) begin(text.slice(0, end));
      if (end >= 0 && text.slice(end + 1) === ABORT_SOON) abortSoon.abort();
    });
    process.stdin.on("end", () => begin(text));
    process.stdin.on("error", reject);
  });
}

const isClones = (task: WorkerTask | CredentialsTask): task is WorkerTask => task.part.kind === "clones";

/** A step that fails keeps none of the later ones from being tried. */
async function attempt(make: () => Step, mode: "apply" | "check"): Promise<void> {
  const step = make();
  try {
    await converge(step, mode, (sentence) => answer({ kind: "changed", says: clean(sentence) }));
  } catch (error) {
    answer({ kind: "failed", step: step.name, says: clean(messageOf(error)) });
  }
}

function answer(line: WorkerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
