/**
 * Implements `workstation probe <user[=login]>…`: reports what access a user still has on this host, from the system's
 * files and by trying it. It changes nothing and reads nothing below a home. A value that could not be determined is
 * `null`.
 */

import { Refusal } from "../../lib/errors.ts";
import { groupsOf } from "../system/account-database.ts";
import { queryCodeServerProxy } from "./query-code-server-proxy.ts";
import { type Machine, machineOf } from "../system/cached-machine.ts";
import { dryRun } from "../system/dry-run.ts";
import { loadPart } from "../state/parts.ts";
import { readOffboarding } from "../state/offboarding-records.ts";
import { atJobsOf, crontabOf, lingerFile, processesOf } from "../accounts/processes.ts";
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
  readonly processes: number;
  readonly linger: boolean;
  readonly crontab: boolean;
  readonly atJobs: number;
  /** Offboarding is recorded: what was revoked is known for a later return. */
  readonly cut: boolean;
}

const DAY_MS = 86_400_000;

/** Writes one JSON object, `{host, people}`. @throws Refusal for an argument that names no user */
export async function probeAccess(system: System, words: readonly string[], nowMs: number): Promise<number> {
  const m = machineOf(dryRun(system));
  const people: PersonProbe[] = [];
  for (const word of words) {
    const [, osUser, login] = /^([a-z_][a-z0-9_-]{0,31})(?:=([A-Za-z0-9][A-Za-z0-9._@+-]{0,127}))?$/.exec(word) ?? [];
    if (osUser === undefined) throw new Refusal(`expected <user> or <user>=<login>, but found "${word}"`);
    people.push(await probePerson(m, osUser, login, nowMs));
  }
  const host = loadPart(m.sys, "base")?.host ?? null;
  process.stdout.write(`${JSON.stringify({ host, people })}\n`);
  return 0;
}

async function probePerson(m: Machine, osUser: string, login: string | undefined, nowMs: number): Promise<PersonProbe> {
  const names = unitsOf(osUser);
  const states = await m.units(names);
  return {
    osUser,
    account: await accountOf(m, osUser, nowMs),
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

async function accountOf(m: Machine, osUser: string, nowMs: number): Promise<AccountProbe | null> {
  const { users, logins } = m.accounts();
  const user = users.get(osUser);
  if (user === undefined) return null;
  const login = logins.get(osUser);
  return {
    uid: user.uid,
    locked: login?.locked === true,
    expired: login?.expires !== undefined && login.expires * DAY_MS <= nowMs,
    loginRefused: await isRefused(m.sys, osUser),
    groups: groupsOf(m.accounts(), user).filter((group) => group !== osUser),
    sudo: await maySudo(m.sys, osUser),
    processes: processesOf(m.sys, user.uid).length,
    linger: m.sys.look(lingerFile(osUser)) !== undefined,
    crontab: m.sys.look(crontabOf(osUser)) !== undefined,
    atJobs: atJobsOf(m.sys, user.uid).length,
    cut: readOffboarding(m.sys, osUser) !== undefined,
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
