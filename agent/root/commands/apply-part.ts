/** Implements `workstation apply <kind> <name>`: validates one delivered part, stores it and converges it. */

import { type BasePart, CONTRACT, type HostPart, type MapsPart, type Part, part } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import { assertRemovalLimits, heldWithoutMaps } from "../people/offboarding-limits-of-host.ts";
import { applyCredentials } from "../people/deliver-credentials.ts";
import { type Machine, machineOf } from "../system/cached-accounts-and-units.ts";
import { addToDeliveryDuration } from "../state/deliveries.ts";
import { convergePeople, loadPeople } from "../people/converge-all.ts";
import { parseJson, describeIssues } from "../../lib/parse-json.ts";
import { forgetConvergedUnits } from "../state/converged-versions.ts";
import { hasOffboarding } from "../state/offboarding-records.ts";
import { startGranted } from "../state/granted-groups.ts";
import {
  loadPart,
  partFile,
  partFilesOf,
  type PersonPart,
  removeIngressSecret,
  storePart,
  tryLoadPart,
} from "../state/stored-parts.ts";
import type { System } from "../system/privileged-operations.ts";
import { HOURLY_LIMITS, type PoolLimits } from "../people/worker-pool.ts";
import { removePendingRemote } from "../state/pending-remotes.ts";
import { servicesOf } from "../services/host-services.ts";
import { formerSettingsOfAll } from "../services/former-settings.ts";
import { convergeHost } from "../host/converge-host.ts";
import { assertInstallable } from "../host/packages.ts";
import { sudoFaultOfChange } from "../host/sudoers.ts";
import { deliveryRun } from "../people/delivery-run.ts";

/**
 * Every other command of the delivery waits for this one. What is not done in that time is tried again by `settle`, for
 * everybody at once and for as long as the whole delivery took, and after that in the background.
 */
const SINGLE_PERSON_LIMITS: PoolLimits = { ...HOURLY_LIMITS, minDeadlineMs: 5000, minAbortDelayMs: 2000 };

/**
 * Exit code: 0 also when a person failed, since that is recorded and `settle` turns the run red; 1 where it is not.
 *
 * @throws Refusal for a part that is malformed, of another contract version, or over a removal limit, for packages that apt does not know, and for a sudo that does not take the rules; nothing has been changed then.
 */
export async function apply(
  system: System,
  kind: string,
  name: string,
  text: string,
  failpoint: string | undefined,
): Promise<number> {
  const delivered = parsePart(kind, name, text);
  const m = machineOf(system);
  if ("host" in delivered) return applyHost(m, delivered);
  if (delivered.kind === "credentials") return applyCredentials(m, delivered, failpoint);
  try {
    if (delivered.kind === "account") startGranted(m, delivered);
    storePart(m.sys, delivered);
  } catch (error) {
    // A disk that takes no part keeps no access from being revoked, and no part of before may give it back.
    if (delivered.state === "left") {
      try {
        removeParts(m, delivered);
      } finally {
        await applyPerson(m, delivered, failpoint);
      }
    }
    throw error;
  }
  // What is delivered anew may be what was wrong.
  if (delivered.kind === "clones") removePendingRemote(m.sys, delivered.osUser);
  return applyPerson(m, delivered, failpoint);
}

/** Removes what the part was to replace; without the account part, the person's other parts too. They are then missing, and delivered again. */
function removeParts(m: Machine, of: PersonPart): void {
  const paths =
    of.kind === "account"
      ? [of.osUser, ...(of.formerNames ?? [])].flatMap((name) => partFilesOf(m.sys, name))
      : [partFile(of)];
  for (const path of paths) m.sys.remove(path);
}

/** @throws Refusal that names the place and not the content. */
export function parsePart(kind: string, name: string, text: string): Part {
  const value = parseJson(text, `the part ${kind} ${name}`);
  const version = typeof value === "object" && value !== null && "contract" in value ? value.contract : undefined;
  if (version !== CONTRACT) {
    throw new Refusal(
      `the part ${kind} ${name} has contract version ${String(version)}, but this agent supports ${CONTRACT}; deliver agent and parts together`,
    );
  }
  const parsed = part.safeParse(value);
  if (!parsed.success) throw new Refusal(`the part ${kind} ${name} is invalid: ${describeIssues(parsed.error)}`);
  const inside = "host" in parsed.data ? parsed.data.host : parsed.data.osUser;
  if (parsed.data.kind !== kind || inside !== name) {
    throw new Refusal(`the part ${kind} ${name} contains ${parsed.data.kind} ${inside}; both must be the same`);
  }
  return parsed.data;
}

async function applyHost(m: Machine, delivered: HostPart): Promise<number> {
  if (delivered.kind === "maps") assertRemovalLimits(heldBefore(m), delivered);
  if (delivered.kind === "base") {
    // Before anything is written: a package that is installed may be the first write.
    const fault = await sudoFaultOfChange(m);
    if (fault !== undefined) throw new Refusal(`${fault}. Nothing was changed`);
    await assertInstallable(m, delivered.packages);
    if (offersOtherServices(m, delivered)) forgetConvergedUnits(m.sys);
  }
  storePart(m.sys, delivered);
  if (delivered.kind === "base" && delivered.ingressSecret === undefined) removeIngressSecret(m.sys);
  const { changed, failed } = await convergeHost(m, delivered.kind === "maps" ? delivered : baseOf(m), "apply");
  for (const sentence of failed) warn(`host: ${sentence}`);
  if (delivered.kind === "base")
    for (const sentence of await formerSettingsOfAll(m)) warn(`host: warning: ${sentence}`);
  if (changed === 0 && failed.length === 0) info("host: nothing to change");
  return failed.length > 0 ? 1 : 0;
}

/** Whom the host held until now, for the removal limits. */
function heldBefore(m: Machine): Pick<MapsPart, "present" | "admins"> | undefined {
  const maps = tryLoadPart(m.sys, "maps");
  if (maps !== "damaged") return maps;
  const { outcomes, parts } = loadPeople(m);
  const accounts = parts.filter((of) => of.kind === "account");
  const damaged = outcomes.filter(({ who, kind }) => kind === "account" && !hasOffboarding(m.sys, who));
  const adminList = m.sys.read("/etc/ttyd-admins")?.toString("utf8") ?? "";
  return heldWithoutMaps(
    accounts,
    damaged.map(({ who }) => who),
    adminList,
  );
}

/** Whether another set of services is offered than by the stored part. One that is damaged says nothing, so it counts as another. */
function offersOtherServices(m: Machine, delivered: BasePart): boolean {
  const stored = tryLoadPart(m.sys, "base");
  if (stored === "damaged") return true;
  return stored !== undefined && JSON.stringify(servicesOf(stored)) !== JSON.stringify(servicesOf(delivered));
}

/** The ingress secret is a file of the services that the base part describes. */
function baseOf(m: Machine): BasePart {
  const base = loadPart(m.sys, "base");
  if (base === undefined) throw new Refusal("the base part is missing; deliver it first");
  return base;
}

/** Converges one person's stored part and remembers how it went. */
async function applyPerson(m: Machine, of: PersonPart, failpoint: string | undefined): Promise<number> {
  const { outcomes, unrecorded } = await convergePeople(deliveryRun(m, failpoint), [of], SINGLE_PERSON_LIMITS);
  for (const outcome of outcomes) {
    if ("failed" in outcome) warn(`${of.osUser}: ${of.kind}: ${outcome.failed}`);
    else if (outcome.changed === 0) info(`${of.osUser}: nothing to change`);
  }
  if (unrecorded !== undefined) {
    warn(`${of.osUser}: ${of.kind}: ${unrecorded}`);
    return 1;
  }
  addToDeliveryDuration(m.sys, performance.now());
  return 0;
}
