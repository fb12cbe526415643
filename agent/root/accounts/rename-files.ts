/** Moves what root keeps under a renamed user's former name to the new one, and removes what is generated anew. */

import { type Change, says } from "../../lib/converge.ts";
import type { AccountPart } from "../../contract.ts";
import { PERSIST } from "../state/session-records.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { changeDigestFile } from "../state/change-digests.ts";
import { offboardingFile, waitingOffboardingFile } from "../state/offboarding-records.ts";
import { failuresFile } from "../state/failures.ts";
import { grantedFile } from "../state/granted-groups.ts";
import { parkingFile } from "../state/parking-records.ts";
import { STATE } from "../state/json-files.ts";
import { pendingRemoteFile } from "../state/pending-remotes.ts";
import { pendingCredentialsFile } from "../state/pending-credentials.ts";
import { homeOf } from "./verify-ownership.ts";
import { crontabOf, lingerFile, PARKED } from "./find-processes.ts";
import { crontabsAmong } from "./scheduled-jobs.ts";
import { dropInOf, ENVIRONMENT_DIRECTORY, PANE_DIRECTORY } from "../services/unit-files.ts";
import { BROWSER_UNIT, instance, T3_UNIT, TERMINAL_SERVICE } from "../services/unit-names.ts";

/** The link at the old home comes first: jobs that are put back may name the old path. */
export function renameFiles(m: Machine, { osUser }: AccountPart, was: string): readonly Change[] {
  const { sys } = m;
  const change = (sentence: Change["says"], apply: () => void): Change => ({
    point: "rename-files",
    says: sentence,
    apply,
  });
  const isLinked = sys.look(homeOf(was)) !== undefined || sys.look(homeOf(osUser)) === undefined;
  const link = change(says("link", `${homeOf(was)} to ${homeOf(osUser)}`), () =>
    sys.linkHome(homeOf(was), homeOf(osUser)),
  );
  const moves = KEPT.map((of) => [of(was), of(osUser)] as const).filter(
    ([from, to]) => sys.look(from) !== undefined && sys.look(to) === undefined,
  );
  // Parked crontabs are called like their person, and come along in their folder.
  const parked = [was, osUser].flatMap((name) => sys.list(`${PARKED}/${name}`) ?? []);
  for (const file of crontabsAmong(parked, was))
    moves.push([`${PARKED}/${osUser}/${file}`, `${PARKED}/${osUser}/${osUser}${file.slice(was.length)}`]);
  const drops = GENERATED.map((of) => of(was)).filter((path) => sys.look(path) !== undefined);
  return [
    ...(isLinked ? [] : [link]),
    ...moves.map(([from, to]) => change(says("move", `${from} to ${to}`), () => sys.move(from, to))),
    ...drops.map((path) => change(says("remove", path), () => sys.remove(path))),
    ...idRanges(m, was, osUser).map(([path, text]) =>
      change(says("write", path), () => sys.replaceFile(path, { bytes: text, mode: 0o644 })),
    ),
  ];
}

const KEPT: readonly ((name: string) => string)[] = [
  (name) => `${ENVIRONMENT_DIRECTORY}/${name}.env`,
  crontabOf,
  offboardingFile,
  waitingOffboardingFile,
  grantedFile,
  parkingFile,
  (name) => `${PARKED}/${name}`,
  (name) => `${PERSIST}/${name}`,
];

const GENERATED: readonly ((name: string) => string)[] = [
  // Not moved: logind has to be told, under the new name.
  lingerFile,
  (name) => `${PANE_DIRECTORY}/${name}`,
  (name) => dropInOf(instance(T3_UNIT, name)),
  (name) => dropInOf(instance(BROWSER_UNIT, name)),
  (name) => dropInOf(instance(TERMINAL_SERVICE, name)),
  (name) => `${STATE}/loaded/envelope.${name}`,
  changeDigestFile,
  failuresFile,
  pendingCredentialsFile,
  pendingRemoteFile,
];

/** The system's own tools leave these lines under the old name, and rootless containers find theirs by it. */
function idRanges({ sys }: Machine, was: string, is: string): readonly (readonly [string, string])[] {
  return ["/etc/subuid", "/etc/subgid"].flatMap((path) => {
    const text = sys.read(path)?.toString("utf8");
    if (text === undefined || !text.split("\n").some((line) => line.startsWith(`${was}:`))) return [];
    const lines = text.split("\n").map((line) => (line.startsWith(`${was}:`) ? is + line.slice(was.length) : line));
    return [[path, lines.join("\n")] as const];
  });
}
