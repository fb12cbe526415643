/**
 * Implements `./ws remove`: archives an offboarded user's home and removes the user for good. Nothing else of this
 * program ever deletes data of an offboarded user.
 */

import type { KubeCall } from "../../clients/kubernetes/client.ts";
import { ClientError } from "../../clients/client-error.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Command, type ExitCode, readArgs, UsageError } from "../command.ts";
import { PulumiError } from "../pulumi.ts";
import { clusterOf } from "../stack/cluster-client.ts";
import { type OpenStack, openStack } from "../stack/open-stack.ts";
import { nextSteps } from "../removal/next-steps.ts";
import { confirmName } from "../removal/confirm-name.ts";
import { type Backup, backUp, deleteNamespace } from "../removal/delete-namespaces.ts";
import { archived, runRemovalProgram, done, kept, shown } from "../removal/run-removal-program.ts";
import { counted, describeHost } from "../removal/describe-removal.ts";
import { type RemovableUser, checkRemovable } from "../removal/check-roster-and-ledger.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";
import type { Terminal } from "../terminal.ts";

export const remove: Command = {
  help: `Usage: ./ws remove USER [--confirm USER] [--namespace NAME]… [--archive-only] [--stack NAME] [--config-file FILE]

For a user whose row was removed and whose access a deployment has revoked. Shows exactly what is
deleted, archives the home on each of their hosts, reads the archive back and compares every checksum,
and only then deletes the home, as that person, and the account. If it is interrupted, no data is lost;
run the same command again. The uid is never given to anybody else.

  --confirm USER      the name once more, for scripts; without it, it is asked for at the terminal
  --namespace NAME    also delete this namespace of theirs, after its objects are in the archive; may be
                      repeated. What lies on its volumes is NOT saved
  --archive-only      stop after the archive; nothing is deleted
${SELECTION_HELP}

Exit code: 0 when it is done, 1 when it was refused or is not finished, 2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, OPTIONS);
    const [who, more] = positionals;
    if (who === undefined || more !== undefined) throw new UsageError("remove takes one person");
    if (values.confirm !== undefined && values.confirm !== who)
      throw new UsageError(`--confirm says "${values.confirm}", and ${who} is to be removed`);
    try {
      const stack = await openStack(stackSelection(values));
      return await removeFrom(stack, await checkRemovable(stack, who), values, terminal);
    } catch (cause) {
      if (!EXPECTED.some((kind) => cause instanceof kind)) throw cause;
      terminal.err(terminal.paintErr("red", (cause as Error).message));
      return 1;
    }
  },
};

const OPTIONS = {
  ...SELECTION_OPTIONS,
  confirm: { type: "string" },
  namespace: { type: "string", multiple: true },
  "archive-only": { type: "boolean" },
} as const;

const EXPECTED = [Refusal, PulumiError, ClientError] as const;

interface Wanted {
  readonly confirm?: string | undefined;
  readonly namespace?: string[] | undefined;
  readonly "archive-only"?: boolean | undefined;
}

async function removeFrom(
  stack: OpenStack,
  leaver: RemovableUser,
  wanted: Wanted,
  terminal: Terminal,
): Promise<ExitCode> {
  const { settings } = stack;
  const { who, entry } = leaver;
  const named = [...new Set(wanted.namespace ?? [])];
  const foreign = named.filter((name) => ![...entry.namespaces, ...entry.formerNamespaces].some((own) => own === name));
  if (foreign.length > 0)
    throw new Refusal(
      `${foreign.join(", ")}: not ${who}'s by the ledger, so not deleted with them. Nothing was changed.`,
    );
  const cluster = named.length === 0 ? undefined : clusterOf(settings);
  if (named.length > 0 && cluster === undefined)
    throw new Refusal("This stack has no cluster, so it has no namespaces either.");
  const identity = ["--uid", String(entry.uid)];
  const found = await Promise.all(
    leaver.hosts.map(async (host) => ({
      host,
      has: await runRemovalProgram(settings, host, ["show", who, ...identity], shown),
    })),
  );
  const refused = found.flatMap(({ host, has }) => has.refused.map((why) => `${host.name}: ${why}`));
  if (refused.length > 0)
    throw new Refusal([`${who} cannot be removed; nothing was changed:`, ...refused].join("\n  "));
  const backups = cluster === undefined ? [] : await backUpAll(cluster, named, entry.k8sUser);

  terminal.out(
    terminal.paint("bold", wanted["archive-only"] ? `To be archived of ${who}:` : `To be removed for good of ${who}:`),
  );
  for (const { host, has } of found) for (const line of describeHost(host.name, has)) terminal.out(`  ${line}`);
  for (const host of leaver.lost)
    terminal.out(`  ${host}: is not a host of this stack any more; nothing is deleted there`);
  for (const { namespace, kinds } of backups) {
    const objects = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
    terminal.out(
      `  the namespace ${namespace} with ${objects || "nothing in it"}; their text goes into the archive, what lies on volumes is lost`,
    );
  }
  const stays = [...entry.namespaces, ...entry.formerNamespaces].filter((name) => !named.includes(name));
  if (stays.length > 0)
    terminal.out(`  Kept, since not named: the namespaces ${stays.join(", ")} with everything in them`);
  terminal.out("  Kept: their secrets in Vault, their account on the forge and their commits");
  if (!(await confirmed(who, wanted, terminal))) return 1;

  const archives: (readonly [host: RemovableUser["hosts"][number], archive: string | undefined])[] = [];
  for (const { host, has } of found) {
    const fresh = has.account !== undefined && has.unfinished === undefined;
    const made = fresh ? await runRemovalProgram(settings, host, ["archive", who, ...identity], archived) : undefined;
    if (made !== undefined)
      terminal.out(
        `${host.name}: archived and read back: ${counted(made.entries, "thing", "things")}, ${made.archive} (sha256 ${made.sha256})`,
      );
    archives.push([host, made?.archive ?? has.unfinished]);
  }
  await keepBackups(stack, who, archives, backups, terminal);
  if (wanted["archive-only"]) return 0;
  for (const [host, archive] of archives) {
    const words = [
      "remove",
      who,
      ...identity,
      "--confirm",
      who,
      ...(archive === undefined ? [] : ["--archive", archive]),
    ];
    await runRemovalProgram(settings, host, words, done);
    terminal.out(`${host.name}: removed`);
  }
  for (const backup of backups) {
    if (cluster !== undefined) await deleteNamespace(cluster, backup);
    terminal.out(`the namespace ${backup.namespace}: being deleted`);
  }
  for (const line of nextSteps(settings, leaver)) terminal.out(line);
  return 0;
}

async function confirmed(
  who: string,
  { confirm, "archive-only": archiveOnly }: Wanted,
  terminal: Terminal,
): Promise<boolean> {
  if (archiveOnly === true || confirm === who) return true;
  if (await confirmName(who, `Type ${who} to remove them for good: `, terminal)) return true;
  const { err, paintErr } = terminal;
  err(paintErr("red", `Nothing was changed: type the name ${who} at a terminal, or say --confirm ${who}.`));
  return false;
}

async function backUpAll(cluster: KubeCall, names: readonly string[], owner: string): Promise<readonly Backup[]> {
  const backups = await Promise.all(names.map((name) => backUp(cluster, name, owner)));
  return backups.filter((backup) => backup !== undefined);
}

async function keepBackups(
  { settings }: OpenStack,
  who: string,
  archives: readonly (readonly [RemovableUser["hosts"][number], string | undefined])[],
  backups: readonly Backup[],
  { out }: Terminal,
): Promise<void> {
  if (backups.length === 0) return;
  const place = archives.find(([, archive]) => archive !== undefined);
  if (place?.[1] === undefined)
    throw new Refusal(
      `There is no archive on any host to put the backup of ${backups.map(({ namespace }) => namespace).join(", ")} in; nothing was deleted in the cluster.`,
    );
  const [host, archive] = place;
  for (const { namespace, text } of backups) {
    const words = ["keep", who, "--archive", archive ?? "", "--file", `namespace-${namespace}.json`];
    const { kept: file } = await runRemovalProgram(settings, host, words, kept, text);
    out(`${host.name}: the objects of ${namespace} are in ${file}`);
  }
}
