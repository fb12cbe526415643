/**
 * Finds what is wrong on this host beyond what a run has recorded: failed units, homes, accounts that PAM refuses, limits
 * and a packet filter that others have changed. It changes nothing.
 */

import type { AccountPart, UnitsPart } from "../../contract.ts";
import { messageOf } from "../../lib/errors.ts";
import { agesOut } from "../accounts/password-ageing.ts";
import { userManagerOf } from "../accounts/processes.ts";
import { homeOf } from "../accounts/verify-ownership.ts";
import { filterFault } from "../host/access-maps.ts";
import { otherLimits } from "../services/limits-in-effect.ts";
import { readOffboarding } from "../state/offboarding-records.ts";
import { unitsOf } from "../services/unit-names.ts";
import type { Machine } from "../system/cached-machine.ts";
import { runOrThrow } from "../system/privileged-operations.ts";

/** One person as they were delivered to this host. */
export interface Delivered {
  readonly osUser: string;
  readonly account: AccountPart | undefined;
  readonly units: UnitsPart | undefined;
}

/** Sentences about the host itself. */
export async function problemsOfHost(m: Machine): Promise<readonly string[]> {
  return [await filterFault(m)].filter((fault) => fault !== undefined);
}

/** Sentences by person; two calls of systemd for all of them together. */
export async function problemsOfPeople(
  m: Machine,
  people: readonly Delivered[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const failed = await failedUnits(m);
  const found = new Map<string, readonly string[]>();
  for (const person of people) {
    const { osUser, account, units } = person;
    const user = m.accounts().users.get(osUser);
    if (user === undefined) continue;
    const names = new Set([...unitsOf(osUser), userManagerOf(user.uid), `user-${user.uid}.slice`]);
    const theirs = failed.filter(
      (unit) =>
        names.has(unit.id) ||
        unit.user === osUser ||
        unit.user === String(user.uid) ||
        unit.slice === `user-${user.uid}.slice`,
    );
    const here = account?.state === "present" && readOffboarding(m.sys, osUser) === undefined;
    found.set(osUser, [
      ...theirs.map(({ id }) => `${id} is failed`),
      ...(here ? [...refusedByPam(m, osUser), ...homeFault(m, osUser)] : []),
      ...(here && units !== undefined ? await otherLimits(m, units) : []),
    ]);
  }
  return found;
}

interface FailedUnit {
  readonly id: string;
  readonly user: string;
  readonly slice: string;
}

async function failedUnits(m: Machine): Promise<readonly FailedUnit[]> {
  const list = ["/usr/bin/systemctl", "list-units", "--all", "--state=failed", "--plain", "--no-legend", "--no-pager"];
  const names = (await runOrThrow(m.sys, list, { reads: true }))
    .split("\n")
    .flatMap((line) => line.trim().split(/\s+/)[0] || []);
  if (names.length === 0) return [];
  const show = ["/usr/bin/systemctl", "show", "--property=Id,User,Slice", "--", ...names];
  return (await runOrThrow(m.sys, show, { reads: true }))
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(block)?.[1] ?? "";
      return { id: value("Id"), user: value("User"), slice: value("Slice") };
    });
}

const DAY_MS = 86_400_000;

/** As `pam_unix(8)` decides on every session, whatever key or password opens it. */
function refusedByPam(m: Machine, osUser: string): readonly string[] {
  const login = m.accounts().logins.get(osUser);
  if (login === undefined) return [];
  const expired = login.expires !== undefined && login.expires * DAY_MS <= Date.now();
  return [
    ...(expired ? ["the account has expired, so PAM refuses their sessions"] : []),
    ...(login.locked && agesOut(login) ? ["the locked password ages, so PAM will refuse their sessions"] : []),
  ];
}

function homeFault(m: Machine, osUser: string): readonly string[] {
  try {
    return m.sys.look(homeOf(osUser)) === undefined ? [`${homeOf(osUser)} is missing`] : [];
  } catch (error) {
    return [messageOf(error)];
  }
}
