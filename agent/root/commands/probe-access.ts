/**
 * Implements `workstation probe <user[=login]>…`: reports what access a user still has on this host, from the system's
 * files and by trying it. It changes nothing and reads nothing below a home. A value that could not be determined is
 * `null`.
 */

import { readFileSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import { groupsOf } from "../system/account-database.ts";
import { queryCodeServerProxy } from "./query-code-server-proxy.ts";
import { type Machine, machineOf } from "../system/cached-accounts-and-units.ts";
import { dryRun } from "../system/dry-run.ts";
import { loadPart } from "../state/stored-parts.ts";
import { readOffboarding } from "../state/offboarding-records.ts";
import { type Container, containersOf } from "../accounts/containers.ts";
import { atJobsOf, crontabOf, lingerFile, processesOf } from "../accounts/find-processes.ts";
import { scanSetIdFiles, type SetIdScan } from "../accounts/set-id-files.ts";
import { subordinateUids } from "../accounts/subordinate-uids.ts";
import { unitsOf } from "../services/unit-names.ts";
import type { System } from "../system/privileged-operations.ts";
import { hasPendingCredentials } from "../state/pending-credentials.ts";

/** One person as this host has them. */
export interface PersonProbe {
  readonly osUser: string;
  /** Null: this host has no account of that name. */
  readonly account: AccountProbe | null;
  readonly units: Readonly<Record<string, { readonly active: string; readonly file: string }>>;
  /** Whether each generated map has a row of theirs; null for a file that is missing or cannot be read. */
  readonly maps: {
    readonly terminal: boolean | null;
    readonly dispatch: boolean | null;
    readonly admins: boolean | null;
  };
  /** The status with which the code-server proxy answers their login; null where it was not, or could not be, asked. */
  readonly gate: number | null;
  readonly waitingCredentials: boolean;
}

export interface AccountProbe {
  readonly uid: number;
  readonly locked: boolean;
  /** The account's expiry has passed. */
  readonly expired: boolean;
  /** Whether PAM's account check refuses their login, whatever key or password they have. */
  readonly loginRefused: boolean | null;
  /** Their supplementary groups. */
  readonly groups: readonly string[];
  /** Null where this host has no sudo, or it did not answer. */
  readonly sudo: boolean | null;
  /** Under their uid or a subordinate uid that they alone have. */
  readonly processes: number;
  /** Under subordinate uids that another account has as well. */
  readonly sharedProcesses: number;
  /** Null where an engine of this host did not answer. */
  readonly containers: readonly Container[] | null;
  readonly setIdFiles: SetIdFiles;
  readonly linger: boolean;
  readonly crontab: boolean;
  readonly atJobs: number;
  /** Offboarding is recorded: what was revoked is known for a later return. */
  readonly cut: boolean;
}

/** Paths of programs outside of homes that run as their owner or with their group, and that no package owns. */
export interface SetIdFiles {
  /** Theirs, or a subordinate uid's of theirs. */
  readonly theirs: readonly string[];
  /** Somebody else's, for a person who could make them while they were an admin. Nothing records who did. */
  readonly unknown: readonly string[];
  /** Why some may be missing; null where all was searched. */
  readonly incomplete: string | null;
}

const DAY_MS = 86_400_000;

/** Writes one JSON object, `{host, people}`. @throws Refusal for an argument that names no user */
export async function probeAccess(system: System, words: readonly string[], nowMs: number): Promise<number> {
  const m = machineOf(dryRun(system));
  const people: PersonProbe[] = [];
  let scan: Promise<SetIdScan> | undefined;
  const scanOnce = () =>
    (scan ??= scanSetIdFiles(m.sys, readFileSync("/proc/self/mountinfo", "utf8"), m.accounts().users.values()));
  for (const word of words) {
    const [, osUser, login] = /^([a-z_][a-z0-9_-]{0,31})(?:=([A-Za-z0-9][A-Za-z0-9._@+-]{0,127}))?$/.exec(word) ?? [];
    if (osUser === undefined) throw new Refusal(`expected <user> or <user>=<login>, but found "${word}"`);
    people.push(await probePerson({ m, nowMs, scanOnce }, osUser, login));
  }
  const host = loadPart(m.sys, "base")?.host ?? null;
  process.stdout.write(`${JSON.stringify({ host, people })}\n`);
  return 0;
}

interface Probing {
  readonly m: Machine;
  readonly nowMs: number;
  /** The search of the disk is the same for everybody. */
  readonly scanOnce: () => Promise<SetIdScan>;
}

async function probePerson(probing: Probing, osUser: string, login: string | undefined): Promise<PersonProbe> {
  const { m } = probing;
  const names = unitsOf(osUser);
  const states = await m.units(names);
  return {
    osUser,
    account: await accountOf(probing, osUser),
    units: Object.fromEntries(
      names.map((name) => [
        name,
        { active: states.get(name)?.active ?? "unknown", file: states.get(name)?.file ?? "" },
      ]),
    ),
    maps: {
      terminal: hasRow(m, "/etc/ttyd-user-map", (text) => text.split("\n").some((row) => row.endsWith(`=${osUser}`))),
      dispatch: hasRow(m, "/etc/t3-serve/dispatch.json", (text) => inTable(text, osUser)),
      admins: hasRow(m, "/etc/ttyd-admins", (text) => text.split("\n").includes(osUser)),
    },
    gate: login === undefined ? null : await queryCodeServerProxy(m.sys, login),
    waitingCredentials: hasPendingCredentials(m.sys, osUser),
  };
}

async function accountOf({ m, nowMs, scanOnce }: Probing, osUser: string): Promise<AccountProbe | null> {
  const { users, logins } = m.accounts();
  const user = users.get(osUser);
  if (user === undefined) return null;
  const login = logins.get(osUser);
  const record = readOffboarding(m.sys, osUser);
  const { isTheirs, isShared } = subordinateUids(m.sys, m.accounts(), user);
  // They were in the groups of the admin tier until they left.
  const wasAdmin = record !== undefined && record.groups.length > 0;
  const { files, incomplete } = await scanOnce();
  const theirs = files.filter(({ uid }) => uid === user.uid || isTheirs(uid));
  return {
    uid: user.uid,
    locked: login?.locked === true,
    expired: login?.expires !== undefined && login.expires * DAY_MS <= nowMs,
    loginRefused: await isRefused(m.sys, osUser),
    groups: groupsOf(m.accounts(), user).filter((group) => group !== osUser),
    sudo: await maySudo(m.sys, osUser),
    processes: processesOf(m.sys, user.uid, isTheirs).length,
    sharedProcesses: processesOf(m.sys, user.uid, isShared).length - processesOf(m.sys, user.uid).length,
    containers: await containersOf(m, user, wasAdmin),
    setIdFiles: {
      theirs: theirs.map(({ path }) => path),
      unknown: wasAdmin ? files.filter((file) => !theirs.includes(file)).map(({ path }) => path) : [],
      incomplete: incomplete ?? null,
    },
    linger: m.sys.look(lingerFile(osUser)) !== undefined,
    crontab: m.sys.look(crontabOf(osUser)) !== undefined,
    atJobs: atJobsOf(m.sys, user.uid).length,
    cut: record !== undefined,
  };
}

/** Nothing of theirs is run: in place of their shell stands a program that ends at once. */
async function isRefused(sys: System, osUser: string): Promise<boolean | null> {
  const ran = await sys.run(["/usr/bin/su", "--shell", "/bin/true", "--", osUser], { reads: true });
  return ran.code === 0 ? false : ran.code === 1 ? true : null;
}

async function maySudo(sys: System, osUser: string): Promise<boolean | null> {
  const ran = await sys.run(["/usr/bin/sudo", "-n", "-l", "-U", osUser], { reads: true });
  if (/ is not allowed to run sudo /.test(ran.stdout)) return false;
  return ran.code === 0 ? true : null;
}

function hasRow(m: Machine, path: string, isIn: (text: string) => boolean): boolean | null {
  try {
    const bytes = m.sys.read(path);
    return bytes === undefined ? null : isIn(bytes.toString("utf8"));
  } catch (error) {
    // A map that is a link or no JSON is told as unread, never as one without a row.
    if (error instanceof Refusal || error instanceof SyntaxError) return null;
    throw error;
  }
}

function inTable(text: string, osUser: string): boolean {
  const table: unknown = JSON.parse(text);
  if (typeof table !== "object" || table === null) throw new SyntaxError("the dispatch table is no object");
  return Object.values(table).some((row: unknown) =>
    JSON.stringify(row).includes(`"os_user":${JSON.stringify(osUser)}`),
  );
}
