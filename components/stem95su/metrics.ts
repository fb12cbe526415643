/**
 * Declares the alert on a site that is no longer known to equal its Drive folder, for a cluster with the Prometheus
 * operator.
 */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Content } from "./namespace-and-volume.ts";
import { labels, podsOf, SITE } from "./names-and-images.ts";

/**
 * The sync leaves the time of its last good run on the volume and nginx serves it. A job's own success is no measure:
 * a run that skips an empty listing succeeds, and a site that is skipped for a day wants somebody's eyes.
 */
export function publishMetrics(parent: pulumi.Resource, name: string, content: Content, afterMinutes: number): void {
  const options = { parent, dependsOn: [content.namespace] };
  new k8s.apiextensions.CustomResource(
    `${name}-metrics`,
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name: SITE, namespace: SITE, labels },
      spec: {
        selector: { matchLabels: podsOf("web") },
        podMetricsEndpoints: [{ port: "status", path: "/metrics", interval: "1m" }],
      },
    },
    options,
  );
  new k8s.apiextensions.CustomResource(
    `${name}-alerts`,
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: SITE, namespace: SITE, labels },
      spec: { groups: [{ name: SITE, rules: [staleRule(afterMinutes)] }] },
    },
    options,
  );
}

const staleRule = (afterMinutes: number) => ({
  alert: "Stem95suSyncStale",
  // Absent counts as stale: before the first good sync, and when nobody serves the site.
  expr: `(time() - max(${METRIC}) > ${afterMinutes * 60}) or absent(${METRIC})`,
  for: "15m",
  labels: { severity: "warning" },
  annotations: {
    summary: `stem95su has not equalled its Drive folder for more than ${afterMinutes} minutes.`,
    description:
      "The site still serves its last good state. The log of the newest pod says what stops the sync: " +
      "kubectl -n stem95su logs -l app.kubernetes.io/component=sync --tail=20",
  },
});

const METRIC = `stem95su_last_good_sync_timestamp_seconds{namespace="${SITE}"}`;
