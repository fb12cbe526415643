/**
 * Declares the web server of the site: unprivileged nginx on a volume that it can only read, reached through an
 * Ingress.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { type Content, type ContentArgs, contentVolume, placement } from "./namespace-and-volume.ts";
import { CONTAINER_SECURITY, podSecurity, WEB_USER } from "./pod-security.ts";
import { labels, NGINX_IMAGE, PORTS, podsOf, SITE } from "./names-and-images.ts";

export interface ExposeArgs {
  readonly host: string;
  readonly ingressClass?: string | undefined;
  readonly tlsSecret?: string | undefined;
  readonly ingressAnnotations: Readonly<Record<string, string>>;
}

/** The Deployment is ready before the first sync, so that a first `up` does not wait for Drive. */
export function createWebServer(parent: pulumi.Resource, name: string, content: Content, args: ContentArgs): void {
  const spread = args.accessMode === "ReadWriteMany";
  const config = new k8s.core.v1.ConfigMap(
    `${name}-nginx`,
    { metadata: { name: "nginx", namespace: SITE, labels }, data: { "nginx.conf": NGINX_CONF } },
    { parent, dependsOn: [content.namespace] },
  );
  new k8s.apps.v1.Deployment(
    `${name}-web`,
    {
      metadata: { name: "web", namespace: SITE, labels: { ...labels, ...podsOf("web") } },
      spec: {
        replicas: spread ? 2 : 1,
        revisionHistoryLimit: 3,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: podsOf("web") },
        template: {
          metadata: {
            labels: { ...labels, ...podsOf("web") },
            // A changed ConfigMap restarts nothing by itself.
            annotations: { "workstation/nginx-conf": digest(NGINX_CONF) },
          },
          spec: webPod(args.accessMode),
        },
      },
    },
    { parent, dependsOn: [content.claim, config] },
  );
  if (!spread) return; // one replica with a budget would keep its node from being drained
  new k8s.policy.v1.PodDisruptionBudget(
    `${name}-web`,
    {
      metadata: { name: "web", namespace: SITE, labels },
      spec: { minAvailable: 1, selector: { matchLabels: podsOf("web") } },
    },
    { parent, dependsOn: [content.namespace] },
  );
}

const webPod = (accessMode: ContentArgs["accessMode"]) => ({
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: podSecurity(WEB_USER),
  ...placement(accessMode, podsOf("web")),
  ...(accessMode === "ReadWriteMany"
    ? {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: podsOf("web") },
          },
        ],
      }
    : {}),
  containers: [
    {
      name: "nginx",
      image: NGINX_IMAGE,
      command: ["nginx", "-c", "/etc/stem95su/nginx.conf", "-g", "daemon off;"],
      ports: [
        { name: "site", containerPort: PORTS.site },
        { name: "status", containerPort: PORTS.status },
      ],
      startupProbe: { ...healthy, periodSeconds: 1, failureThreshold: 30 },
      readinessProbe: { ...healthy, periodSeconds: 5, failureThreshold: 2 },
      livenessProbe: { ...healthy, periodSeconds: 20, failureThreshold: 3 },
      // The Service learns of the end after nginx does; meanwhile requests are still answered.
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
      resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
      securityContext: CONTAINER_SECURITY,
      volumeMounts: [
        { name: "content", mountPath: "/srv/content", readOnly: true },
        { name: "config", mountPath: "/etc/stem95su", readOnly: true },
        { name: "tmp", mountPath: "/tmp" },
      ],
    },
  ],
  volumes: [
    contentVolume,
    { name: "config", configMap: { name: "nginx" } },
    { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
  ],
});

const healthy = { httpGet: { path: "/healthz", port: "status" }, timeoutSeconds: 2 };

/** Makes the site reachable under its host. */
export function exposeSite(parent: pulumi.Resource, name: string, content: Content, args: ExposeArgs): void {
  const service = new k8s.core.v1.Service(
    `${name}-web`,
    {
      metadata: { name: "web", namespace: SITE, labels },
      spec: { selector: podsOf("web"), ports: [{ name: "http", port: 80, targetPort: "site" }] },
    },
    // The cluster chooses them, and of an adopted Service they are inputs: to take them out would mean to delete it.
    { parent, dependsOn: [content.namespace], ignoreChanges: ["spec.clusterIP", "spec.clusterIPs"] },
  );
  new k8s.networking.v1.Ingress(
    `${name}-web`,
    {
      metadata: {
        name: "web",
        namespace: SITE,
        labels,
        // Not every controller writes an address back, and `up` would wait ten minutes for one.
        annotations: { ...args.ingressAnnotations, "pulumi.com/skipAwait": "true" },
      },
      spec: {
        ...(args.ingressClass === undefined ? {} : { ingressClassName: args.ingressClass }),
        ...(args.tlsSecret === undefined ? {} : { tls: [{ hosts: [args.host], secretName: args.tlsSecret }] }),
        rules: [
          {
            host: args.host,
            http: {
              paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { name: "http" } } } }],
            },
          },
        ],
      },
    },
    { parent, dependsOn: [service] },
  );
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

const NGINX_CONF = readFileSync(new URL("./nginx.conf", import.meta.url), "utf8");
