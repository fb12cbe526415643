/** Declares the public site stem95su, which is served from a volume that mirrors a Drive folder. */

import * as pulumi from "@pulumi/pulumi";
import { createContent } from "./namespace-and-volume.ts";
import { isolatePods } from "./network.ts";
import { publishMetrics } from "./metrics.ts";
import { fetchCredentials, scheduleSync } from "./sync.ts";
import { createWebServer, exposeSite } from "./web.ts";

/** Everything is plain: each field decides which objects exist or what a preview shows of them. */
export interface Stem95suArgs {
  /** DNS name under which the site is reached. */
  readonly host: string;
  /** Cron expression of the sync, in the cluster's time zone. */
  readonly schedule: string;
  /** Kubernetes quantity. The volume holds the site and, while a change is fetched, what changes. */
  readonly volumeSize: string;
  /** Absent: the cluster's default. */
  readonly storageClass?: string | undefined;
  /** With `ReadWriteOnce` all pods share one node; `ReadWriteMany` spreads the web server over two. */
  readonly accessMode: "ReadWriteOnce" | "ReadWriteMany";
  readonly ingressClass?: string | undefined;
  /** Secret with the certificate; absent: the ingress controller's own. */
  readonly tlsSecret?: string | undefined;
  readonly ingressAnnotations: Readonly<Record<string, string>>;
  /** Releases the brake on deletions for exactly this number of files. */
  readonly confirmDeletions?: number | undefined;
  /** Age of the last good sync that raises the alert. Absent: no objects of the Prometheus operator are made. */
  readonly alertAfterMinutes?: number | undefined;
}

/** Namespace, volume, web server, and the sync that keeps the volume equal to the Drive folder. */
export class Stem95su extends pulumi.ComponentResource {
  constructor(name: string, args: Stem95suArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:stem95su:Stem95su", name, {}, opts);
    const content = createContent(this, name, args);
    isolatePods(this, name, content);
    createWebServer(this, name, content, args);
    exposeSite(this, name, content, args);
    fetchCredentials(this, name, content);
    scheduleSync(this, name, content, args);
    if (args.alertAfterMinutes !== undefined) publishMetrics(this, name, content, args.alertAfterMinutes);
    this.registerOutputs();
  }
}
