/** What the board makes of the site's sync; the objects are as the lab's cluster has them (test/e2e/stem95su.test.ts looks at real ones). */

import { expect, test } from "vitest";
import { boardOf } from "../../../cli/board/merge-findings.ts";
import { htmlOf } from "../../../cli/board/html.ts";
import { prometheusOf } from "../../../cli/board/prometheus.ts";
import { type SyncState, syncOf } from "../../../cli/board/stem95su-site.ts";
import { textOf } from "../../../cli/board/text.ts";
import { registerOf } from "../../../cli/board/resource-owner.ts";
import type { KubeCall } from "../../../clients/kubernetes/client.ts";
import { derived, rosterOf, row } from "../../roster/support.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const GOOD = "2026-11-23T11:50:30Z";
const cronjob = (status: object, spec: object = {}) => ({ metadata: { name: "sync" }, spec, status });
const job = (name: string, type: "Complete" | "Failed" | undefined, startTime: string) => ({
  metadata: { name },
  status: {
    startTime,
    ...(type === undefined
      ? {}
      : {
          conditions: [
            { type: "Suspended", status: "False" },
            { type, status: "True" },
          ],
        }),
  },
});
const pod = (message?: string) => ({
  status: { containerStatuses: [{ state: { terminated: { exitCode: 1, message } } }] },
});

interface Cluster {
  readonly cronjobs?: readonly object[] | number;
  readonly jobs?: readonly object[] | number;
  readonly pods?: Readonly<Record<string, readonly object[]>>;
}
const cluster =
  ({ cronjobs = [], jobs = [], pods = {} }: Cluster): KubeCall =>
  async (_, path) => {
    const [, ofJob = ""] = /job-name%3D(.+)$/.exec(path) ?? [];
    const items = path.endsWith("/cronjobs") ? cronjobs : path.endsWith("/jobs") ? jobs : (pods[ofJob] ?? []);
    return typeof items === "number" ? { status: items, value: {} } : { status: 200, value: { items } };
  };
const look = (of: Cluster, staleMinutes?: number) => syncOf(cluster(of), "stem95su", staleMinutes, NOW);
const told = ({ findings }: SyncState) => findings.map(({ state, what }) => `${state} ${what}`);

const FAILED =
  "FAILED: 26 files of the site are missing or empty in 'gdrive:x', and a run may take away 25: none was taken.";
const SKIPPED =
  "SKIPPED: The folder 'gdrive:x' lists no file at all, which is taken for a mistake there. The site is as it was.";
const OK = {
  cronjobs: [cronjob({ lastSuccessfulTime: GOOD })],
  jobs: [job("a-1", "Complete", "2026-11-23T11:50:00Z")],
};

test("a sync that went well has nothing to say but when", async () => {
  expect(await look(OK)).toEqual({ findings: [], syncedAt: GOOD });
});

test.each<[string, Cluster, readonly string[], string | undefined]>([
  [
    "a newest run that failed, in its pod's last words, with the age of the last good one",
    {
      cronjobs: OK.cronjobs,
      jobs: [job("a-2", "Failed", "2026-11-23T11:58:00Z"), ...OK.jobs],
      pods: { "a-2": [pod(`Among them:\n${FAILED}\n`)] },
    },
    [`failed the sync: a-2: ${FAILED}`],
    GOOD,
  ],
  [
    "a failed run whose pod is gone",
    { jobs: [job("a-2", "Failed", "2026-11-23T11:58:00Z")] },
    ["failed the sync: a-2: its pod was deleted before its log could be read"],
    undefined,
  ],
  [
    "a run that was skipped, which the cluster counts as a success",
    { ...OK, pods: { "a-1": [pod(SKIPPED)] } },
    [`failed the sync: a-1: ${SKIPPED}`],
    undefined,
  ],
  [
    "a failure that a later run has made good",
    { ...OK, jobs: [job("a-0", "Failed", "2026-11-23T11:40:00Z"), ...OK.jobs] },
    [],
    GOOD,
  ],
  [
    "a run that is at work, by the one before it",
    { ...OK, jobs: [job("a-2", undefined, "2026-11-23T11:59:00Z"), ...OK.jobs] },
    [],
    GOOD,
  ],
  ["a site that was never fetched", { cronjobs: [cronjob({})] }, ["pending the sync: no run has ended yet"], undefined],
  [
    "a sync that somebody suspended",
    { ...OK, cronjobs: [cronjob({ lastSuccessfulTime: GOOD }, { suspend: true })] },
    ["changed the sync: is suspended, so nothing is fetched"],
    GOOD,
  ],
  [
    "jobs that may not be listed",
    { ...OK, jobs: 403 },
    ["unknown the sync: the cluster answers with status 403"],
    undefined,
  ],
  [
    "cron jobs that may not be listed",
    { ...OK, cronjobs: 500 },
    ["unknown the sync: the cluster answers with status 500"],
    undefined,
  ],
])("%s", async (_what, of, findings, syncedAt) => {
  const seen = await look(of);
  expect([told(seen), seen.syncedAt]).toEqual([findings, syncedAt]);
});

test("without a good run for longer than the alert allows it has failed, even if no job says so", async () => {
  expect(told(await look(OK, 20))).toEqual([]);
  expect(told(await look({ ...OK, cronjobs: [cronjob({ lastSuccessfulTime: "2026-11-23T11:00:00Z" })] }, 20))).toEqual([
    "failed the sync: the last good run ended 60 minutes ago, and 20 are allowed",
  ]);
});

test("the site has a row of its own beside the people in every form, with its state, the age of the last good run and the exact error", async () => {
  const { desired, plan, brakes } = derived(rosterOf(row("ada", "", "admin")));
  const register = registerOf(desired, { owner: "workstation/owner", site: "stem95su" });
  const labels = { "app.kubernetes.io/part-of": "stem95su" };
  const web = { type: "kubernetes:apps/v1:Deployment", name: "web", inputs: { metadata: { name: "web", labels } } };
  const jobs = [job("a-2", "Failed", "2026-11-23T11:58:00Z"), ...OK.jobs];
  const { findings, syncedAt } = await look({ ...OK, jobs, pods: { "a-2": [pod(FAILED)] } });
  const board = boardOf(
    {
      ...{ stack: "prod", takenAt: new Date(NOW).toISOString(), lastDeployment: undefined, notices: [] },
      ...{ decided: { desired, plan, brakes }, memory: { interrupted: [], resources: new Map() } },
      ...{
        register,
        wanted: [web],
        surfaces: ["host", "site"],
        findings,
        deliveries: new Map(),
        siteSyncedAt: syncedAt,
      },
    },
    (text) => text,
  );
  expect(board.rows.find(({ kind }) => kind === "site")).toEqual({
    kind: "site",
    name: "stem95su",
    cells: [{ surface: "site", state: "failed", deliveredAt: GOOD, details: [`the sync: a-2: ${FAILED}`] }],
  });
  const text = textOf(board, (_, words) => words);
  expect(text).toMatch(/^stem95su +- +(- +)*failed 9 min$/m);
  expect(text).toContain(`stem95su, site: failed\n  the sync: a-2: ${FAILED}`);
  expect(prometheusOf(board)).toContain(
    'workstation_shared_surface_state{stack="prod",surface="site",state="failed"} 1\n',
  );
  expect(prometheusOf(board)).toContain(
    `workstation_shared_surface_delivered_timestamp_seconds{stack="prod",surface="site"} ${Date.parse(GOOD) / 1000}\n`,
  );
  expect(htmlOf(board)).toContain("26 files of the site are missing or empty");
});
