/** `tmux-persist forget <user> <session>`: what its owner ended on purpose is not brought back. */

import { Refusal } from "../../refusal.ts";
import { say } from "../../say.ts";
import type { System } from "../../root/system.ts";
import { afterForgetting } from "../record.ts";
import { append, readNewest } from "../series.ts";
import { mappedPerson } from "./people.ts";

/** @throws Refusal when no session of that very name is recorded. */
export function forget(sys: System, who: string, name: string, nowMs: number): number {
  const user = mappedPerson(sys, who);
  const before = readNewest(sys, user.name);
  const next = afterForgetting(before, name, nowMs);
  if (next === undefined) {
    const known = (before?.sessions ?? []).map((session) => session.name).join(", ");
    throw new Refusal(`no session "${name}" of ${who} is recorded; recorded are: ${known === "" ? "none" : known}`);
  }
  append(sys, user.name, next);
  say(`${who}: ${name}: forgotten`);
  return 0;
}
