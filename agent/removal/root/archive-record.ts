/**
 * Writes and reads the record of an archive, and lists root's own files about a user, which are removed with the
 * account.
 */

import { z } from "zod";
import { rmdirSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import { PERSIST } from "../../root/state/session-records.ts";
import { groupsOf, type User } from "../../root/system/account-database.ts";
import type { Machine } from "../../root/system/cached-accounts-and-units.ts";
import { atJobsOf, crontabOf, lingerFile, PARKED } from "../../root/accounts/find-processes.ts";
import { BROWSER_UNIT, instance, T3_UNIT, TERMINAL_SERVICE } from "../../root/services/unit-names.ts";
import { ENVIRONMENT_DIRECTORY, PANE_DIRECTORY } from "../../root/services/unit-files.ts";
import { parseJson, describeIssues } from "../../lib/parse-json.ts";
import { loadPart } from "../../root/state/stored-parts.ts";
import { readLedger } from "../../root/state/host-ledger.ts";
import { STATE } from "../../root/state/json-files.ts";
import { pendingHomeFile } from "../../root/state/pending-homes.ts";
import type { System } from "../../root/system/privileged-operations.ts";
import { RECORD_FILE } from "./archive-paths.ts";

const record = z.strictObject({
  version: z.literal(1),
  user: z.string(),
  uid: z.int(),
  gid: z.int(),
  host: z.string(),
  /** ISO 8601 in UTC. */
  madeAt: z.string(),
  groups: z.array(z.string()),
  shell: z.string(),
  ports: z.strictObject({ t3: z.int(), browser: z.int() }).optional(),
  /** Of the home's archive, as a file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  entries: z.int(),
  files: z.array(
    z.strictObject({ path: z.string(), mode: z.int(), link: z.string().optional(), base64: z.string().optional() }),
  ),
});
export type Record = z.output<typeof record>;

export function recordOf(m: Machine, user: User, of: Pick<Record, "sha256" | "entries" | "madeAt">): Record {
  const entry = readLedger(m.sys).get(user.name);
  const { t3, browser } = entry ?? {};
  return {
    version: 1,
    user: user.name,
    uid: user.uid,
    gid: user.gid,
    host: loadPart(m.sys, "base")?.host ?? "",
    groups: [...groupsOf(m.accounts(), user)],
    shell: user.shell,
    ...(t3 === undefined || browser === undefined ? {} : { ports: { t3, browser } }),
    ...of,
    files: filesOf(m.sys, user).map((path) => kept(m.sys, path)),
  };
}

/** @throws Refusal when it is damaged or no archive at all */
export function readRecord(sys: System, folder: string): Record {
  const bytes = sys.read(`${folder}/${RECORD_FILE}`);
  if (bytes === undefined)
    throw new Refusal(`${folder} is no archive of this host; \`workstation-remove archives\` lists them`);
  const parsed = record.safeParse(parseJson(bytes.toString("utf8"), `${folder}/${RECORD_FILE}`));
  if (!parsed.success) throw new Refusal(`${folder}/${RECORD_FILE} is damaged: ${describeIssues(parsed.error)}`);
  return parsed.data;
}

function kept(sys: System, path: string): Record["files"][number] {
  const stat = sys.look(path);
  const mode = (stat?.mode ?? 0) & 0o7777;
  if (stat?.isSymbolicLink()) return { path, mode, link: sys.readLink(path) ?? "" };
  return { path, mode, base64: sys.read(path)?.toString("base64") ?? "" };
}

/** Folders that hold nothing but this person's files. */
const foldersOf = ({ name, uid }: User): readonly string[] => [
  ...[
    `user-${uid}.slice`,
    ...[T3_UNIT, BROWSER_UNIT, TERMINAL_SERVICE].map((template) => instance(template, name)),
  ].map((unit) => `/etc/systemd/system/${unit}.d`),
  `${PERSIST}/${name}`,
  `${PARKED}/${name}`,
];

/** Root's files about this person that are there. The ledger is not among them: it remembers their uid for good. */
export function filesOf(sys: System, user: User): readonly string[] {
  const single = [
    `${ENVIRONMENT_DIRECTORY}/${user.name}.env`,
    `${PANE_DIRECTORY}/${user.name}`,
    lingerFile(user.name),
    crontabOf(user.name),
    ...atJobsOf(sys, user.uid),
    ...["account", "clones", "units"].map((kind) => `${STATE}/parts/${kind}.${user.name}.json`),
    ...["cuts", "failures", "granted-groups", "notes", "parked"].map(
      (folder) => `${STATE}/${folder}/${user.name}.json`,
    ),
    pendingHomeFile(user.uid),
    `${STATE}/probes/${user.name}`,
    `${STATE}/loaded/envelope.${user.name}`,
  ];
  const inFolders = foldersOf(user).flatMap((folder) => (sys.list(folder) ?? []).map((name) => `${folder}/${name}`));
  return [...single.filter((path) => sys.look(path) !== undefined), ...inFolders];
}

/** Once their files are gone. */
export function removeFolders(sys: System, user: User): void {
  for (const folder of foldersOf(user)) if (sys.look(folder)?.isDirectory()) rmdirSync(folder);
}
