/** The public site: whether its newest sync went well, and if not, in the pod's own last words. */

import type { KubeCall } from "../../stacks/kube-api.ts";
import type { Finding } from "./finding.ts";
import { isObject } from "./same.ts";

/** @param namespace the site's */
export async function syncFindings(call: KubeCall, namespace: string): Promise<readonly Finding[]> {
  const finding = (state: Finding["state"], what: string): readonly Finding[] => [
    { whose: "site", surface: "site", state, what: `the sync: ${what}` },
  ];
  const jobs = await itemsOf(call, `/apis/batch/v1/namespaces/${namespace}/jobs`);
  if (typeof jobs === "string") return finding("unknown", jobs);
  const [newest] = jobs.filter((job) => endOf(job) !== undefined).sort((a, b) => (startOf(a) < startOf(b) ? 1 : -1));
  if (newest === undefined || endOf(newest) === "Complete") return [];
  const name = String(field(newest, "metadata", "name"));
  const pods = await itemsOf(
    call,
    `/api/v1/namespaces/${namespace}/pods?labelSelector=job-name%3D${encodeURIComponent(name)}`,
  );
  const said = typeof pods === "string" ? pods : pods.map(lastWords).find((words) => words !== undefined);
  return finding("failed", `${name}: ${said ?? "its pod is gone and left no word"}`);
}

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

/** `Complete` or `Failed`; undefined while it runs. */
function endOf(job: KubeObject): string | undefined {
  const conditions = field(job, "status", "conditions");
  const ended = (Array.isArray(conditions) ? conditions.filter(isObject) : []).find(
    ({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"),
  );
  return ended === undefined ? undefined : String(ended["type"]);
}

function lastWords(pod: KubeObject): string | undefined {
  const statuses = field(pod, "status", "containerStatuses");
  const [first] = Array.isArray(statuses) ? statuses : [];
  const message = field(first, "state", "terminated", "message") ?? field(first, "state", "waiting", "message");
  return typeof message === "string" ? message.trim().split("\n").at(-1) : undefined;
}
