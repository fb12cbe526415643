/** The one contract of every step: look, list what differs, apply that, look again (a converged step says nothing). */

import { hit, type Point } from "./failpoint.ts";
import { Refusal } from "./refusal.ts";

/** One difference between what is and what should be, and the one operation that removes it. */
export interface Change {
  /** Where a test may kill the program, before and after. */
  readonly point: Point;
  readonly says: Sentence;
  apply(): void | Promise<void>;
}

export interface Step {
  readonly name: string;
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
  apply: "applied",
  clone: "cloned",
  configure: "configured",
  create: "created",
  disable: "disabled",
  enable: "enabled",
  end: "ended",
  expire: "expired",
  install: "installed",
  keep: "kept",
  lock: "locked",
  link: "linked",
  make: "made",
  move: "moved",
  note: "noted",
  park: "parked",
  put: "put",
  reload: "reloaded",
  remove: "removed",
  repair: "repaired",
  replace: "replaced",
  restore: "restored",
  set: "set",
  start: "started",
  stop: "stopped",
  take: "took",
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
  for (const change of changes) {
    hit(change.point, "before");
    await change.apply();
    hit(change.point, "after");
    tell(change.says.did);
  }
  const left = changes.length > 0 ? await step.differences() : [];
  if (left.length > 0) {
    throw new Refusal(`${step.name}: still differs after one pass: ${left.map((c) => c.says.would).join("; ")}`);
  }
  return changes.length;
}
