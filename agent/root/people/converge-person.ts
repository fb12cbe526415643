/** Converges one part of one person; a failure is theirs alone and keeps nobody else from being converged. */

import { about } from "../../lib/failpoints.ts";
import { Refusal, tell as tellError } from "../../lib/errors.ts";
import { converge, type Step } from "../../lib/converge.ts";
import type { PersonPart } from "../state/parts.ts";
import { readCut } from "../state/offboarding-records.ts";
import { accountCut } from "../accounts/offboard.ts";
import { accountExists } from "../accounts/create.ts";
import { accountGiven } from "../accounts/verify-ownership.ts";
import { accountGroups } from "../accounts/supplementary-groups.ts";
import { accountLinger } from "../accounts/enable-linger.ts";
import { accountRenamed, formerHere } from "../accounts/rename.ts";
import { accountReturn } from "../accounts/reinstate.ts";
import { wantedUnits } from "../services/unit-names.ts";
import { environmentFile, envelope, portsGiven } from "../services/unit-files.ts";
import { unitsRun } from "../services/start-and-stop-units.ts";
import { belowHome } from "./converge-home.ts";
import type { WorkerSignals } from "../system/run-as-user.ts";
import type { Outcome, PersonRun } from "./person-run.ts";

/** Never throws: whatever goes wrong, a bug included, is this person's failure. */
export async function convergePart(run: PersonRun, part: PersonPart, signals?: WorkerSignals): Promise<Outcome> {
  const who = part.osUser;
  try {
    return { who, kind: part.kind, changed: await carryOut(run, part, signals) };
  } catch (error) {
    return { who, kind: part.kind, failed: tellError(error) };
  }
}

async function carryOut(run: PersonRun, part: PersonPart, signals: WorkerSignals | undefined): Promise<number> {
  switch (part.kind) {
    case "account":
      return inOrder(run, part.osUser, accountSteps(run, part));
    case "units":
      return inOrder(run, part.osUser, unitSteps(run, part));
    case "clones":
      return belowHome(run, part, signals);
  }
}

function accountSteps(
  run: PersonRun,
  part: Extract<PersonPart, { kind: "account" }>,
): readonly (() => Step | readonly Step[])[] {
  const { m } = run;
  const given = () => accountGiven(m, part);
  const renames = accountRenamed(m, part);
  if (part.state === "left") {
    const name = formerHere(m, part) ?? part.osUser;
    // Somebody who is cut already is only kept cut; a new cut has to be allowed.
    if (m.accounts().users.has(name) && readCut(m.sys, name) === undefined) run.allowance.take(part.osUser);
    return [...renames, given, () => accountCut(m, part)];
  }
  const groups = () => accountGroups(m, part, (sentence) => run.warn(`${part.osUser}: warning: ${sentence}`));
  const linger = () => accountLinger(m, part);
  return [...renames, given, () => accountExists(m, part), () => accountReturn(m, part), groups, linger];
}

function unitSteps({ m }: PersonRun, part: Extract<PersonPart, { kind: "units" }>): readonly (() => Step)[] {
  const running = () => unitsRun(m, wantedUnits(part));
  if (part.state === "left") return [running];
  if (!m.accounts().users.has(part.osUser))
    throw new Refusal("they have no account on this host; see the failure of the account part");
  return [() => portsGiven(m, part), () => environmentFile(m, part), () => envelope(m, part), running];
}

/** Each step is made when its turn comes, so that it looks at what the former ones have left. */
async function inOrder(run: PersonRun, who: string, steps: readonly (() => Step | readonly Step[])[]): Promise<number> {
  let changed = 0;
  about(who);
  for (const make of steps) {
    for (const step of [make()].flat()) {
      changed += await converge(step, run.mode, (sentence) => run.say(`${who}: ${sentence}`));
      // What does not exist yet cannot be looked at any further.
      if (run.mode === "check" && changed > 0 && !run.m.accounts().users.has(who)) return changed;
    }
  }
  return changed;
}
