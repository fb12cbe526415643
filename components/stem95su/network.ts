/** Declares which connections from and to the site's pods are allowed. */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Content } from "./namespace-and-volume.ts";
import { labels, PORTS, podsOf, SITE } from "./names-and-images.ts";

/** nginx answers and never asks; the sync asks names and HTTPS and never answers. Every other pod gets nothing. */
export function isolatePods(parent: pulumi.Resource, name: string, content: Content): void {
  const policies = {
    "deny-all": { podSelector: {}, policyTypes: BOTH },
    web: {
      podSelector: { matchLabels: podsOf("web") },
      policyTypes: BOTH,
      ingress: [{ ports: [tcp(PORTS.site), tcp(PORTS.status)] }],
    },
    sync: {
      podSelector: { matchLabels: podsOf("sync") },
      policyTypes: BOTH,
      egress: [{ ports: [tcp(443), tcp(53), { protocol: "UDP", port: 53 }] }],
    },
  };
  for (const [policy, spec] of Object.entries(policies)) {
    new k8s.networking.v1.NetworkPolicy(
      `${name}-${policy}`,
      { metadata: { name: policy, namespace: SITE, labels }, spec },
      { parent, dependsOn: [content.namespace] },
    );
  }
}

const BOTH = ["Ingress", "Egress"];

const tcp = (port: number) => ({ protocol: "TCP", port });
