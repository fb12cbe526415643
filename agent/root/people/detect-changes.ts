/** Detects whether anything that a person's worker reads has changed since it last found nothing to do. */

import { createHash } from "node:crypto";
import { digestOfJson } from "../../lib/digest-of-json.ts";
import { asset } from "../../lib/assets.ts";
import type { ClonesPart } from "../../contract.ts";
import type { User } from "../system/account-database.ts";
import { gitEnvironment, urlsOf } from "../../lib/git-environment.ts";
import { runContained } from "../system/run-as-user.ts";
import { PROBE } from "../system/installed-paths.ts";
import { STATE } from "../state/json-files.ts";
import type { System } from "../system/privileged-operations.ts";
import { changeDigestFile } from "../state/change-digests.ts";

export interface ChangeDetection {
  /** The same as in the last run in which the worker found nothing to do and nothing to warn of. */
  readonly known: boolean;
  /** A remote did not answer in time. */
  readonly late: boolean;
  /** To be called when the worker has found nothing now either. */
  remember(): void;
}

/** A worker that is started instead finds out what hangs, and says so. */
const DEADLINE_MS = 30_000;
const UNKNOWN: ChangeDetection = { known: false, late: false, remember: () => undefined };

/**
 * Starting a worker costs more than all that it does when nothing is to be done. The probe is a few lines of shell that run
 * as the person under the same rules; its answer is only ever compared, so whoever forges theirs keeps their own clones
 * from being updated, and no more. Whatever is not plainly as before is the worker's to judge.
 */
export async function detectChanges(
  sys: System,
  user: User,
  part: ClonesPart,
  how: { readonly fetch: boolean; readonly abort?: AbortSignal },
): Promise<ChangeDetection> {
  const env = Object.entries(gitEnvironment(user.home, user.name, urlsOf(part))).map(
    ([key, value]) => `${key}=${value}`,
  );
  const script = ["/bin/sh", PROBE, how.fetch ? "fetch" : "look", user.home, ...pathsOf(part)];
  const argv = ["/usr/bin/env", "-i", ...env, ...script];
  const signals = how.abort === undefined ? {} : { signals: { abort: how.abort } };
  const ran = await runContained(sys, { user, name: "probe", argv, input: "", deadlineMs: DEADLINE_MS, ...signals });
  if (ran.timedOut) return { ...UNKNOWN, late: true };
  if (ran.code !== 0 || ran.overflowed || ran.stderr !== "") return UNKNOWN;
  const [own = "", theirs = ""] = withoutTimesOfFolders(ran.stdout).split(/\n\n(.*)/s);
  const digests = [digestOfJson([part, digestOfPrograms(), own]), digestOfJson(theirs)];
  const path = changeDigestFile(user.name);
  const before = sys.read(path)?.toString("utf8").split("\n") ?? [];
  return {
    late: false,
    known: before[0] === digests[0] && (!how.fetch || before[1] === digests[1]),
    remember: () => {
      sys.makeDirectory(`${STATE}/probes`, 0o700);
      sys.replaceFile(path, { bytes: digests.join("\n"), mode: 0o600 });
    },
  };
}

/** A file's time of its last change cannot be set by its person; a folder's changes with all that they do in it. */
const withoutTimesOfFolders = (answer: string): string =>
  answer.replace(/^(.+ directory \S+ \S+) \S+ \S+ \S+ (\S+)$/gm, "$1 $2");

let programs: string | undefined;

/** The digest of what a worker runs and installs, made once a run: the files are larger than all else that is compared. */
const digestOfPrograms = (): string =>
  (programs ??= createHash("sha256").update(asset("start-claude.sh")).update(asset("worker.cjs")).digest("hex"));

/** The clones, and in a workspace also where a nested one would be hoisted from. */
function pathsOf(part: ClonesPart): readonly string[] {
  if (part.layout === "untouched") return [];
  if (part.layout === "single") return ["code"];
  return ["code/infra", ...part.repos.flatMap(({ name }) => [`code/${name}`, `code/infra/${name}`])];
}

const DAY_HOURS = 24;
const HOUR_MS = 3_600_000;

/** Once a day everybody's worker runs whatever the probe says: it may look at something that the probe does not. */
export function isDailyRun(osUser: string, nowMs: number): boolean {
  const hour = createHash("sha256").update(osUser).digest().readUInt32BE(0) % DAY_HOURS;
  return Math.floor(nowMs / HOUR_MS) % DAY_HOURS === hour;
}
