/**
 * Defines a step and converges it: reads the differences, applies each of them and reads again. A converged step prints
 * nothing.
 */

import { hit, type Point } from "./failpoints.ts";
import { Refusal } from "./errors.ts";

/** One difference between what is and what should be, and the one operation that removes it. */
export interface Change {
  /** Where a test may kill the program, before and after. */
  readonly point: Point;
  readonly says: Sentence;
  /** `not done` for what may fail without being a failure (a remote that is away): a warning has been given instead. */
  apply(): Done | Promise<Done>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: most changes end by having been made, and say nothing
export type Done = void | "not done";

export interface Step {
  readonly name: string;
  /** Its failure keeps no other step from being converged, and is reported after them. */
  readonly failsAlone?: true;
  /** Pure reading. An empty list means converged. */
  differences(): readonly Change[] | Promise<readonly Change[]>;
}

/** The same sentence in both moods: `added to group docker`, `would add to group docker`. */
export interface Sentence {
  readonly did: string;
  readonly would: string;
}

const PAST = {
  add: "added",
  adopt: "adopted",
  apply: "applied",
  clone: "cloned",
  complete: "completed",
  create: "created",
  disable: "disabled",
  enable: "enabled",
  end: "ended",
  expire: "expired",
  install: "installed",
  link: "linked",
  lock: "locked",
  move: "moved",
  record: "recorded",
  reload: "reloaded",
  remove: "removed",
  rename: "renamed",
  repair: "repaired",
  replace: "replaced",
  reset: "reset",
  restart: "restarted",
  restore: "restored",
  set: "set",
  start: "started",
  stop: "stopped",
  suspend: "suspended",
  unlock: "unlocked",
  update: "updated",
  write: "wrote",
} as const;

/** @example says("add", "to group docker") */
export function says(verb: keyof typeof PAST, rest: string): Sentence {
  return { did: `${PAST[verb]} ${rest}`, would: `would ${verb} ${rest}` };
}

/** What a run tells about one subject (a person or the host). */
export type Tell = (sentence: string) => void;

/**
 * Brings one step about, or says what it would do.
 *
 * @throws Refusal when differences are left after they were applied: one pass must be enough.
 */
export async function converge(step: Step, mode: "apply" | "check", tell: Tell): Promise<number> {
  const changes = await step.differences();
  if (mode === "check") {
    for (const change of changes) tell(change.says.would);
    return changes.length;
  }
  let done = 0;
  for (const change of changes) {
    hit(change.point, "before");
    const outcome = await change.apply();
    hit(change.point, "after");
    if (outcome === "not done") continue;
    tell(change.says.did);
    done += 1;
  }
  const left = changes.length > 0 ? await step.differences() : [];
  if (left.length > 0) {
    throw new Refusal(`${step.name}: still differs after one pass: ${left.map((c) => c.says.would).join("; ")}`);
  }
  return done;
}
