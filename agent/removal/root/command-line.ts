/**
 * Parses the command line of `workstation-remove` and runs the command that it names. The answer is one line of JSON on
 * standard output; messages go to standard error.
 */

import { createWriteStream, renameSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { arm } from "../../lib/failpoints.ts";
import { parseCommandLine, printUsage, type Syntax } from "../../lib/command-line.ts";
import { Refusal } from "../../lib/errors.ts";
import { warn } from "../../lib/log.ts";
import { assertRoot } from "../../root/system/assert-root.ts";
import { machineOf } from "../../root/system/cached-accounts-and-units.ts";
import { readLedger, writeLedger } from "../../root/state/host-ledger.ts";
import { assertOutsideHomes, realSystem } from "../../root/system/privileged-operations.ts";
import { makeArchive } from "./create-archive.ts";
import { readJournal } from "./removal-journal.ts";
import { archivesOf } from "./archive-paths.ts";
import { REMOVAL_POINTS, REMOVAL_WORKER_POINTS, RESTORE_POINTS } from "../../lib/removal-failpoints.ts";
import { readRecord } from "./archive-record.ts";
import { beginRemoval, continueRemoval } from "./remove-user.ts";
import { restoreHome } from "./restore-home.ts";
import { previewRemoval } from "./preview-removal.ts";
import { accountOnHost, reasonsAgainstRemoval } from "./preconditions.ts";
import { allowedFailpoint } from "../../root/system/allowed-failpoint.ts";

const USAGE = `usage: workstation-remove <command>
  show <user> --uid <uid>                                       print what would be deleted
  archive <user> --uid <uid>                                    archive the home and verify the archive
  keep <user> --archive <name> --file namespace-<name>.json     put a file into the archive's folder, from standard input
  remove <user> --uid <uid> --confirm <user> [--archive <name>] delete what that archive holds, and the account
  restore <user> --archive <name> [--uid <former uid>]          unpack it into the home of somebody who is present again
  archives                                                      print the archives of this host
  points                                                        print the names of all mutating steps`;

const SYNTAX = {
  show: { options: { uid: "value" }, operands: ["user"] },
  archive: { options: { uid: "value" }, operands: ["user"] },
  keep: { options: { archive: "value", file: "value" }, operands: ["user"] },
  remove: { options: { uid: "value", confirm: "value", archive: "value" }, operands: ["user"] },
  restore: { options: { archive: "value", uid: "value" }, operands: ["user"] },
  archives: {},
  points: {},
} as const satisfies Readonly<Record<string, Syntax>>;

const NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
const UID = /^\d{4,5}$/;
const ARCHIVE = /^[a-z_][a-z0-9_-]{0,31}-\d{8}T\d{6}Z$/;

/** @returns the exit code. @throws Refusal */
export async function removalCommand(argv: readonly string[]): Promise<number> {
  const line = parseCommandLine(argv, SYNTAX, USAGE);
  if (line === "help") return printUsage(USAGE);
  assertRoot("workstation-remove");
  const failpoint = allowedFailpoint();
  arm(failpoint);
  const [who = ""] = line.operands;
  if (line.operands.length > 0 && !NAME.test(who)) throw new Refusal(`"${who}" is not the name of a user\n${USAGE}`);
  const option = (name: string, form: RegExp): string => {
    const value = line.value(name);
    if (value === undefined) throw new Refusal(`${line.command}: --${name} is missing\n${USAGE}`);
    if (!form.test(value)) throw new Refusal(`${line.command}: --${name} is not of its form: "${value}"\n${USAGE}`);
    return value;
  };
  const uidOption = () => Number(option("uid", UID));
  const m = machineOf(realSystem);
  const now = new Date();
  const day = now.toISOString().slice(0, 10);
  const answer = (value: object) => {
    process.stdout.write(`${JSON.stringify(value)}\n`);
    return 0;
  };
  const refuseUnless = (why: readonly string[]) => {
    if (why.length > 0) throw new Refusal(`${who} cannot be removed; nothing was changed: ${why.join(". ")}`);
  };
  const account = () => {
    const user = accountOnHost(m, who);
    if (user === undefined) throw new Refusal(`there is no account ${who} on this host`);
    return { m, user, failpoint };
  };
  switch (line.command) {
    case "show":
      return answer(await previewRemoval(m, who, uidOption()));
    case "archive":
      if (readJournal(m.sys, who) !== undefined)
        throw new Refusal(`the removal of ${who} has already begun; finish it`);
      refuseUnless(reasonsAgainstRemoval(m, who, uidOption()));
      return answer(await makeArchive(account(), now));
    case "keep":
      return answer(
        await keepBeside(who, option("archive", ARCHIVE), option("file", /^namespace-[a-z0-9-]{1,63}\.json$/)),
      );
    case "remove": {
      const uid = uidOption();
      option("confirm", new RegExp(`^${who}$`));
      let journal = readJournal(m.sys, who);
      if (journal === undefined) {
        refuseUnless(reasonsAgainstRemoval(m, who, uid));
        if (accountOnHost(m, who) === undefined) return answer(nobodyHere(uid, who, day));
        journal = await beginRemoval(account(), option("archive", ARCHIVE), day);
      }
      if (journal.user.uid !== uid)
        throw new Refusal(`expected the uid of the removal that has begun, ${journal.user.uid}, but found ${uid}`);
      await continueRemoval({ m, failpoint }, journal);
      warn(`${who}: removed; the home is in ${archivesOf(m.sys)}/${journal.archive}`);
      return answer({ removed: who, archive: journal.archive });
    }
    case "restore":
      return answer(
        await restoreHome(account(), option("archive", ARCHIVE), {
          day,
          formerUid: line.value("uid") === undefined ? undefined : uidOption(),
        }),
      );
    case "archives":
      return answer(archives());
    case "points":
      return answer([...REMOVAL_POINTS, ...REMOVAL_WORKER_POINTS, ...RESTORE_POINTS]);
  }
}

/** Somebody whose account was never made here, or is gone already: only the uid is to be remembered. */
function nobodyHere(uid: number, osUser: string, day: string) {
  const ledger = readLedger(realSystem);
  const entry = { uid, adopted: false, removedOn: day };
  writeLedger(realSystem, new Map(ledger).set(osUser, entry));
  return { removed: osUser, archive: null };
}

async function keepBeside(osUser: string, archive: string, file: string) {
  const folder = `${archivesOf(realSystem)}/${archive}`;
  if (readRecord(realSystem, folder).user !== osUser) throw new Refusal(`the archive ${archive} is not ${osUser}'s`);
  const beside = assertOutsideHomes(`${folder}/.${file}.new`);
  await pipeline(process.stdin, createWriteStream(beside, { flags: "w", mode: 0o600 }));
  renameSync(beside, `${folder}/${file}`);
  return { kept: `${folder}/${file}` };
}

function archives() {
  const folder = archivesOf(realSystem);
  const names = (realSystem.list(folder) ?? []).filter((name) => ARCHIVE.test(name));
  return names.map((archive) => {
    try {
      const { user, uid, madeAt, host, entries } = readRecord(realSystem, `${folder}/${archive}`);
      return { archive, user, uid, madeAt, host, entries };
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      return { archive, problem: cause.message };
    }
  });
}
