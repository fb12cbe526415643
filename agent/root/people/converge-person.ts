/** Converges one part of one person; a failure is theirs alone and keeps nobody else from being converged. */

import { setSubject } from "../../lib/failpoints.ts";
import { Refusal, messageOf as tellError } from "../../lib/errors.ts";
import { converge, type Step } from "../../lib/converge.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import type { AccountPart, UnitsPart } from "../../contract.ts";
import type { User } from "../system/account-database.ts";
import { loadPart, type PersonPart, tryLoadPart } from "../state/stored-parts.ts";
import { hasOffboarding } from "../state/offboarding-records.ts";
import { offboardAccount, warnOfChangedAccount } from "../accounts/offboard.ts";
import { closeAdoptedHome } from "../accounts/adopted-home.ts";
import { isParked } from "../accounts/terminal-users.ts";
import { createAccount } from "../accounts/create.ts";
import { homeOf, isManaged, verifyOwnership } from "../accounts/verify-ownership.ts";
import { addGroups, groupsToRemove, revokeGroups } from "../accounts/supplementary-groups.ts";
import { enableLinger } from "../accounts/enable-linger.ts";
import { renameAccount, underFormerName } from "../accounts/rename.ts";
import { disableAgeing } from "../accounts/password-ageing.ts";
import { endParked, recordSessions, restoreSessions, wakeAccount } from "../accounts/park.ts";
import { reinstateAccount } from "../accounts/reinstate.ts";
import { servicesOfHost } from "../services/host-services.ts";
import { wantedUnits } from "../services/unit-names.ts";
import { environmentFile, resourceLimits, recordPorts } from "../services/unit-files.ts";
import { reportFormerSettings } from "../services/former-settings.ts";
import { limitsInEffect } from "../services/limits-in-effect.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";
import { convergeHome } from "./converge-home.ts";
import type { WorkerSignals } from "../system/run-as-user.ts";
import type { Outcome, PersonRun } from "./person-run.ts";

/** Never throws: whatever goes wrong, a bug included, is this person's failure. */
export async function convergePart(run: PersonRun, part: PersonPart, signals?: WorkerSignals): Promise<Outcome> {
  const osUser = part.osUser;
  try {
    return { who: osUser, kind: part.kind, changed: await carryOut(run, part, signals) };
  } catch (error) {
    return { who: osUser, kind: part.kind, failed: tellError(error) };
  }
}

async function carryOut(run: PersonRun, part: PersonPart, signals: WorkerSignals | undefined): Promise<number> {
  switch (part.kind) {
    case "account":
      return inOrder(run, part.osUser, accountSteps(run, part));
    case "units":
      assertReturned(run.m, part);
      return inOrder(run, part.osUser, unitSteps(run, part));
    case "clones":
      assertReturned(run.m, part);
      return convergeHome(run, part, signals);
  }
}

/**
 * A part of before their offboarding may have outlived it: a disk that takes no part, or an image of a host.
 *
 * @throws Refusal for somebody who was offboarded here, and whom the maps part lists as left
 */
function assertReturned({ sys }: Machine, { osUser, state }: PersonPart): void {
  if (state === "left" || !hasOffboarding(sys, osUser)) return;
  const maps = tryLoadPart(sys, "maps");
  if (maps === "damaged" || maps?.left.includes(osUser) !== true) return;
  throw new Refusal(
    `the stored part says that ${osUser} is ${state}, but they were offboarded on this host, and the maps part lists them as left, ` +
      'so nothing is given back; start the schedule "daily", which delivers their parts again',
  );
}

function accountSteps(run: PersonRun, part: AccountPart): readonly (() => Step | readonly Step[])[] {
  const { m } = run;
  const given = () => verifyOwnership(m, part);
  const renames = renameAccount(m, part);
  // A rename waits for somebody at work and may fail; what is taken from them must not.
  const former = underFormerName(m, part);
  const warnOf = (sentence: string) => run.warn(`${part.osUser}: warning: ${sentence}`);
  if (part.state === "left") {
    const offboard = offboarding(run, part, warnOf);
    const givenUnlessManaged = () => (isManaged(m, part) ? [] : given());
    const offboardFormer = () => (former === undefined ? [] : offboard(former));
    return [offboardFormer, ...renames, givenUnlessManaged, () => offboard(part)];
  }
  // First of all: whatever else is wrong with their account or home keeps no group of a former tier.
  const revocable = former ?? (isManaged(m, part) ? part : undefined);
  const revoked = () => (revocable === undefined ? [] : revocation(run, part.osUser, revocable, warnOf));
  const groups = () => addGroups(m, part, warnOf);
  // The units part starts it again for a user who is no longer parked.
  const linger = () => (isParked(m.sys, part.osUser) === true ? [] : [enableLinger(m, part)]);
  // Before their service manager is started: PAM refuses it for a password that has expired.
  const ageing = () => disableAgeing(m, part);
  const home = () => closeAdoptedHome(m, part, warnOf);
  const made = [() => createAccount(m, part), home, ageing, () => reinstateAccount(m, part, warnOf)];
  const returned = () => {
    assertReturned(m, part);
    return [];
  };
  return [revoked, returned, ...renames, given, ...made, groups, linger];
}

/** Revokes groups once that is allowed. What may not be revoked now keeps nothing else from being converged. */
function revocation(run: PersonRun, osUser: string, of: AccountPart, warn: (sentence: string) => void): Step {
  const step = revokeGroups(run.m, of, warn);
  let isCounted = false;
  const differences = () => {
    if (!isCounted && groupsToRemove(run.m, of).length > 0) run.allowance.consumeGroups(osUser);
    isCounted = true;
    return step.differences();
  };
  return { ...step, differences, failsAlone: true };
}

/** Whether a run can offboard the account now: it is there and managed, under its present name or a former one. */
export function canOffboard(m: Machine, part: AccountPart): boolean {
  try {
    return isManaged(m, part) || underFormerName(m, part) !== undefined;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Offboards them under any of their names. Only what is about to be offboarded anew must be allowed, and counts once. */
function offboarding(run: PersonRun, { osUser }: AccountPart, warn: (sentence: string) => void) {
  let isCounted = false;
  return (of: AccountPart): readonly Step[] => {
    const steps = offboardAccount(run.m, of);
    if (steps.length === 0 || isCounted || hasOffboarding(run.m.sys, of.osUser)) return steps;
    run.allowance.consume(osUser);
    isCounted = true;
    warnOfChangedAccount(run.m, of, warn);
    return steps;
  };
}

function unitSteps({ m, mode, warn }: PersonRun, part: UnitsPart): readonly (() => Step | readonly Step[])[] {
  const running = () => startAndStopUnits(m, wantedUnits(part, servicesOfHost(m)));
  if (part.state === "left") return [running];
  const warnOf = (sentence: string) => warn(`${part.osUser}: warning: ${sentence}`);
  const user = m.accounts().users.get(part.osUser);
  if (user === undefined) return stepsBeforeRename(m, part, warnOf);
  const home = () => homeExists(m, part);
  const isTheirs = isManaged(m, part);
  const envelope = () => resourceLimits(m, part);
  const files = [() => recordPorts(m, part), () => environmentFile(m, part)];
  // Last: a limit that others have set keeps nothing from running.
  const limits = () => limitsInEffect(m, part);
  const limitsUnlessPending = () => unlessPending(resourceLimits(m, part), limits());
  const former = () => reportFormerSettings(m, part, warnOf);
  const last = [former, mode === "check" ? limitsUnlessPending : limits];
  // Of another account the ports say why it is neither limited nor parked.
  if (part.state === "parked" && !isTheirs) return [...files, envelope, ...last];
  if (part.state === "parked") return [...parkingSteps(m, user, { envelope, running }, warnOf), ...files, ...last];
  // The environment file is their own, and what is wrong with it keeps no limit. Of another account the ports say why.
  const prepared = isTheirs ? [envelope, ...files] : [...files, envelope];
  const working = [() => wakeAccount(m, user, warnOf), running, () => restoreSessions(m, user, warnOf)];
  return [...prepared, home, ...working, ...last];
}

const failingAlone = (step: Step): Step => ({ ...step, failsAlone: true });

interface Resting {
  readonly envelope: () => Step;
  readonly running: () => Step;
}

/**
 * The sessions are recorded first: a smaller limit can end what was to be recorded. Limits and parking keep each other
 * from nothing, and a unit that does not stop is ended with everything else.
 */
const parkingSteps = (m: Machine, user: User, { envelope, running }: Resting, warn: (sentence: string) => void) => [
  () => recordSessions(m, user, warn),
  () => failingAlone(envelope()),
  () => failingAlone(running()),
  () => endParked(m, user),
];

/**
 * Limits, parks and stops under its former name an account whose rename waits; nothing is started.
 *
 * @throws Refusal in its last step: the rest waits for the rename
 */
function stepsBeforeRename(
  m: Machine,
  part: UnitsPart,
  warn: (sentence: string) => void,
): readonly (() => Step | readonly Step[])[] {
  const account = loadPart(m.sys, "account", part.osUser);
  const was = account === undefined ? undefined : underFormerName(m, account)?.osUser;
  const user = was === undefined ? undefined : m.accounts().users.get(was);
  if (user === undefined) throw new Refusal("they have no account on this host; see the failure of the account part");
  const former: UnitsPart = { ...part, osUser: user.name };
  const stopped = () => startAndStopUnits(m, { run: [], rest: wantedUnits(former, servicesOfHost(m)).rest });
  const rest = () => {
    throw new Refusal(`their account is still called ${user.name}; see the failure of the account part`);
  };
  const envelope = () => resourceLimits(m, former);
  if (part.state === "parked") return [...parkingSteps(m, user, { envelope, running: stopped }, warn), rest];
  return [() => failingAlone(envelope()), stopped, rest];
}

/** A dry run cannot see what systemd would have after a change that it does not make. */
const unlessPending = (pending: Step, step: Step): Step => ({
  ...step,
  differences: async () => ((await pending.differences()).length > 0 ? [] : step.differences()),
});

/** Without it each start of a service would fail only after its own timeout. Somebody parked starts nothing. */
function homeExists(m: Machine, { osUser, state }: UnitsPart): Step {
  return {
    name: "home",
    differences: () => {
      if (state === "present" && m.sys.look(homeOf(osUser)) === undefined)
        throw new Refusal(
          `${homeOf(osUser)} is missing, so no service was started; see the failure of the account part`,
        );
      return [];
    },
  };
}

/** Each step is made when its turn comes, so that it looks at what the former ones have left. */
async function inOrder(
  run: PersonRun,
  osUser: string,
  steps: readonly (() => Step | readonly Step[])[],
): Promise<number> {
  let changed = 0;
  const failed: string[] = [];
  setSubject(osUser);
  const attempt = async (step: Step) => {
    try {
      changed += await converge(step, run.mode, (sentence) => run.info(`${osUser}: ${sentence}`));
    } catch (error) {
      if (step.failsAlone !== true) throw error;
      failed.push(tellError(error));
    }
  };
  try {
    for (const make of steps) {
      for (const step of [make()].flat()) {
        await attempt(step);
        // What does not exist yet cannot be looked at any further.
        const isMissing = run.mode === "check" && changed > 0 && !run.m.accounts().users.has(osUser);
        if (isMissing && failed.length === 0) return changed;
      }
    }
  } catch (error) {
    failed.push(tellError(error));
  }
  if (failed.length > 0) throw new Refusal(failed.join("; "));
  return changed;
}
