/**
 * Checks the sync of the public site: its last run, the time at which the site was last equal to its folder, and the
 * pod's last log lines after a failure.
 */

import type { KubeCall } from "../../clients/kubernetes/client.ts";
import type { Finding } from "./finding.ts";
import { isObject } from "../../clients/kubernetes/compare-objects.ts";

export interface SyncState {
  readonly findings: readonly Finding[];
  /** When the site was last seen to equal its folder, ISO 8601; absent where it never was, or nobody can tell. */
  readonly syncedAt?: string;
}

/**
 * @param namespace the site's
 * @param staleMinutes after so long without a good run the sync has failed, whatever its jobs say; absent: never
 */
export async function syncOf(
  call: KubeCall,
  namespace: string,
  staleMinutes?: number,
  now = Date.now(),
): Promise<SyncState> {
  const batch = `/apis/batch/v1/namespaces/${namespace}`;
  const [crons, jobs] = await Promise.all([itemsOf(call, `${batch}/cronjobs`), itemsOf(call, `${batch}/jobs`)]);
  if (typeof crons === "string") return { findings: [finding("unknown", crons)] };
  if (typeof jobs === "string") return { findings: [finding("unknown", jobs)] };
  // That the CronJob itself is gone or differs is said of the site's objects, like any other's.
  const [cron] = crons;
  const [newest] = jobs.filter((job) => endOf(job) !== undefined).sort((a, b) => (startOf(a) < startOf(b) ? 1 : -1));
  const said = newest === undefined ? undefined : await lastWordsOf(call, namespace, newest);
  const name = String(field(newest, "metadata", "name"));
  const hasFailed = newest !== undefined && endOf(newest) === "Failed";
  const isSkipped = !hasFailed && said !== undefined && said.startsWith("SKIPPED");
  // A run that was skipped counts as a success for the CronJob, and leaves nobody who knows of the good one before.
  const succeededAt = timeOf(field(cron, "status", "lastSuccessfulTime"));
  const syncedAt = isSkipped ? undefined : (succeededAt ?? (hasFailed ? undefined : endedAt(newest)));
  const age = syncedAt === undefined ? undefined : (now - Date.parse(syncedAt)) / 60_000;
  return {
    ...(syncedAt === undefined ? {} : { syncedAt }),
    findings: [
      ...(field(cron, "spec", "suspend") === true ? [finding("changed", "is suspended, so nothing is fetched")] : []),
      ...(hasFailed
        ? [finding("failed", `${name}: ${said ?? "its pod was deleted before its log could be read"}`)]
        : []),
      ...(isSkipped ? [finding("failed", `${name}: ${said}`)] : []),
      ...(newest === undefined && succeededAt === undefined ? [finding("pending", "no run has ended yet")] : []),
      ...(staleMinutes !== undefined && age !== undefined && age > staleMinutes
        ? [finding("failed", `the last good run ended ${Math.floor(age)} minutes ago, and ${staleMinutes} are allowed`)]
        : []),
    ],
  };
}

const finding = (state: Finding["state"], what: string): Finding => ({
  ...{ whose: "site", surface: "site", state },
  what: `the sync: ${what}`,
});

type KubeObject = Readonly<Record<string, unknown>>;

async function itemsOf(call: KubeCall, path: string): Promise<readonly KubeObject[] | string> {
  try {
    const { status, value } = await call("GET", path);
    const items = status === 200 ? field(value, "items") : undefined;
    return Array.isArray(items) ? items.filter(isObject) : `the cluster answers with status ${status}`;
  } catch (cause) {
    return (cause as Error).message;
  }
}

const field = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value);

const startOf = (job: KubeObject) => String(field(job, "status", "startTime") ?? "");

const timeOf = (value: unknown): string | undefined =>
  typeof value === "string" && !Number.isNaN(Date.parse(value)) ? value : undefined;

const endedAt = (job: KubeObject | undefined) => timeOf(field(job, "status", "completionTime"));

/** `Complete` or `Failed`; undefined while it runs. */
function endOf(job: KubeObject): string | undefined {
  const conditions = field(job, "status", "conditions");
  const ended = (Array.isArray(conditions) ? conditions.filter(isObject) : []).find(
    ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
  );
  return ended === undefined ? undefined : String(ended.type);
}

/** What a job's pod said at its end, or why that is not known; undefined where it said nothing. */
async function lastWordsOf(call: KubeCall, namespace: string, job: KubeObject): Promise<string | undefined> {
  const name = encodeURIComponent(String(field(job, "metadata", "name")));
  const pods = await itemsOf(call, `/api/v1/namespaces/${namespace}/pods?labelSelector=job-name%3D${name}`);
  if (typeof pods === "string") return pods;
  return pods.map(lastWords).find((words) => words !== undefined);
}

function lastWords(pod: KubeObject): string | undefined {
  const statuses = field(pod, "status", "containerStatuses");
  const [first] = Array.isArray(statuses) ? statuses : [];
  const message = field(first, "state", "terminated", "message") ?? field(first, "state", "waiting", "message");
  return typeof message === "string" ? message.trim().split("\n").at(-1) : undefined;
}
