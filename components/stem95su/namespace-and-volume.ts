/** Declares the site's namespace and the volume that the sync writes and the web server reads. */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { labels, SITE } from "./names-and-images.ts";

/** What everything in the namespace waits for, and where the content is. */
export interface Content {
  readonly namespace: k8s.core.v1.Namespace;
  readonly claim: k8s.core.v1.PersistentVolumeClaim;
}

export interface ContentArgs {
  readonly volumeSize: string;
  readonly storageClass?: string | undefined;
  readonly accessMode: "ReadWriteOnce" | "ReadWriteMany";
}

/** Protected: a section that vanished from the configuration must not take the public site with it. */
export function createContent(parent: pulumi.Resource, name: string, args: ContentArgs): Content {
  const namespace = new k8s.core.v1.Namespace(
    name,
    {
      metadata: {
        name: SITE,
        labels: {
          ...labels,
          "pod-security.kubernetes.io/enforce": "restricted",
          "pod-security.kubernetes.io/warn": "restricted",
          "pod-security.kubernetes.io/audit": "restricted",
        },
      },
    },
    { parent, protect: true },
  );
  const claim = new k8s.core.v1.PersistentVolumeClaim(
    `${name}-content`,
    {
      // Where a volume is only made for a pod that wants it, `up` would wait for it before it makes that pod.
      metadata: { name: "content", namespace: SITE, labels, annotations: { "pulumi.com/skipAwait": "true" } },
      spec: {
        accessModes: [args.accessMode],
        resources: { requests: { storage: args.volumeSize } },
        ...(args.storageClass === undefined ? {} : { storageClassName: args.storageClass }),
      },
    },
    // The cluster chooses them, and for an adopted claim they are inputs: to take them out would mean another claim.
    {
      ...{ parent, protect: true, dependsOn: [namespace] },
      ignoreChanges: ["spec.volumeName", ...(args.storageClass === undefined ? ["spec.storageClassName"] : [])],
    },
  );
  return { namespace, claim };
}

/** The volume as a pod names it. */
export const contentVolume = { name: "content", persistentVolumeClaim: { claimName: "content" } } as const;

/** A volume that only one node can mount wants every pod that uses it on the node where the web server is. */
export const placement = (accessMode: ContentArgs["accessMode"], beside: Readonly<Record<string, string>>) =>
  accessMode === "ReadWriteMany"
    ? {}
    : {
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { labelSelector: { matchLabels: beside }, topologyKey: "kubernetes.io/hostname" },
            ],
          },
        },
      };
