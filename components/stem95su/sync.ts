/** Declares the sync from Drive: its credentials, its script, and the CronJob that runs it. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { type Content, type ContentArgs, contentVolume, placement } from "./namespace-and-volume.ts";
import { CONTAINER_SECURITY, podSecurity, SYNC_USER } from "./pod-security.ts";
import { labels, podsOf, RCLONE_IMAGE, SITE } from "./names-and-images.ts";

export interface SyncArgs {
  readonly schedule: string;
  readonly accessMode: ContentArgs["accessMode"];
  /** Releases the brake on deletions for exactly this number of files. */
  readonly confirmDeletions?: number | undefined;
}

/** External Secrets copies the rclone configuration from Vault; the program itself never holds it. */
export function fetchCredentials(parent: pulumi.Resource, name: string, content: Content): void {
  new k8s.apiextensions.CustomResource(
    `${name}-rclone`,
    {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: CREDENTIALS, namespace: SITE, labels },
      spec: {
        refreshInterval: "1h",
        secretStoreRef: { kind: "ClusterSecretStore", name: "vault-kv" },
        // Retain: a Vault that refuses for a while must not take the credentials away.
        target: { name: CREDENTIALS, creationPolicy: "Owner", deletionPolicy: "Retain" },
        data: [{ secretKey: CONF_KEY, remoteRef: { key: "secret/stem95su", property: "rclone_conf" } }],
      },
    },
    { parent, dependsOn: [content.namespace] },
  );
}

/** Runs `sync.sh` on its schedule, one run at a time. A failed run is not repeated: the next one is minutes away. */
export function scheduleSync(parent: pulumi.Resource, name: string, content: Content, args: SyncArgs): void {
  const script = new k8s.core.v1.ConfigMap(
    `${name}-sync`,
    { metadata: { name: "sync", namespace: SITE, labels }, data: { "sync.sh": SYNC_SH } },
    { parent, dependsOn: [content.namespace] },
  );
  new k8s.batch.v1.CronJob(
    `${name}-sync`,
    {
      metadata: { name: "stem95su-gdrive-sync", namespace: SITE, labels: { ...labels, ...podsOf("sync") } },
      spec: {
        schedule: args.schedule,
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: 300,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels: { ...labels, ...podsOf("sync") } },
          spec: {
            backoffLimit: 0,
            // A run that hangs would, with Forbid, be the last one. What it fetched is taken up by the next.
            activeDeadlineSeconds: 3600,
            template: {
              metadata: {
                labels: { ...labels, ...podsOf("sync") },
                annotations: { "workstation/sync-sh": createHash("sha256").update(SYNC_SH).digest("hex").slice(0, 16) },
              },
              spec: syncPod(args),
            },
          },
        },
      },
    },
    { parent, dependsOn: [content.claim, script] },
  );
}

const syncPod = ({ accessMode, confirmDeletions }: SyncArgs) => ({
  restartPolicy: "Never",
  // Every point is safe to be killed at, so there is nothing to wait for.
  terminationGracePeriodSeconds: 5,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: podSecurity(SYNC_USER),
  ...placement(accessMode, podsOf("web")),
  containers: [
    {
      name: "sync",
      image: RCLONE_IMAGE,
      command: ["/bin/sh", "/opt/stem95su/sync.sh"],
      env: [
        { name: "RCLONE_CONTIMEOUT", value: "20s" },
        { name: "RCLONE_TIMEOUT", value: "2m" },
        ...(confirmDeletions === undefined ? [] : [{ name: "CONFIRM_DELETIONS", value: String(confirmDeletions) }]),
      ],
      // `kubectl describe` of a failed pod then says why.
      terminationMessagePolicy: "FallbackToLogsOnError",
      resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
      securityContext: CONTAINER_SECURITY,
      volumeMounts: [
        { name: "content", mountPath: "/content" },
        { name: "credentials", mountPath: "/etc/stem95su", readOnly: true },
        { name: "script", mountPath: "/opt/stem95su", readOnly: true },
        { name: "scratch", mountPath: "/scratch" },
      ],
    },
  ],
  volumes: [
    contentVolume,
    {
      name: "credentials",
      secret: { secretName: CREDENTIALS, defaultMode: 0o440, items: [{ key: CONF_KEY, path: "rclone.conf" }] },
    },
    { name: "script", configMap: { name: "sync" } },
    // Memory: the copy of the credentials never reaches a disk.
    { name: "scratch", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
  ],
});

const CREDENTIALS = "stem95su-rclone";
const CONF_KEY = "rclone_conf";

const SYNC_SH = readFileSync(new URL("./sync.sh", import.meta.url), "utf8");
