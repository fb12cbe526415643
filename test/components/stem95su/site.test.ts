/** What the program declares for the site. That it works is tested on the real cluster, test/e2e/stem95su.test.ts. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Stem95su, type Stem95suArgs } from "../../../components/stem95su/site.ts";
import { stem95su } from "../../../config/settings/stem95su.ts";
import { type Declared, declared, only } from "../cluster/declared.ts";

const site = (change: Partial<Stem95suArgs> = {}) =>
  declared(() => void new Stem95su("stem95su", { ...stem95su.parse({ host: "site.test.org" }), ...change }));

const kinds = (all: readonly Declared[]) =>
  all.map(({ type, inputs }) => `${type.split(":").at(-1)} ${inputs.metadata.name}`).sort();

const webPod = (all: readonly Declared[]) => only(all, "Deployment", "web").inputs.spec.template.spec;
const syncPod = (all: readonly Declared[]) =>
  only(all, "CronJob", "stem95su-gdrive-sync").inputs.spec.jobTemplate.spec.template.spec;
const PODS = [
  ["web", webPod],
  ["sync", syncPod],
] as const;

test("everything of the site, and no more", async () => {
  expect(kinds(await site())).toEqual([
    "ConfigMap nginx",
    "ConfigMap sync",
    "CronJob stem95su-gdrive-sync",
    "Deployment web",
    "ExternalSecret stem95su-rclone",
    "Ingress web",
    "Namespace stem95su",
    "NetworkPolicy deny-all",
    "NetworkPolicy sync",
    "NetworkPolicy web",
    "PersistentVolumeClaim content",
    "Service web",
  ]);
});

test("everything but the namespace lies in the namespace, which admits restricted pods alone", async () => {
  const all = await site();
  const outside = all.filter(({ inputs }) => inputs.metadata.namespace !== "stem95su");
  expect(kinds(outside)).toEqual(["Namespace stem95su"]);
  expect(outside[0]?.inputs.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
});

describe("the sync", () => {
  test("is the CronJob of the specification", async () => {
    const { spec } = only(await site(), "CronJob", "stem95su-gdrive-sync").inputs;
    expect(spec).toMatchObject({ schedule: "*/10 * * * *", concurrencyPolicy: "Forbid" });
    const job = spec.jobTemplate.spec;
    expect(job).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 3600 });
    const [container] = job.template.spec.containers;
    expect(container).toMatchObject({ image: "rclone/rclone:1.74.3", command: ["/bin/sh", "/opt/stem95su/sync.sh"] });
    expect(container.volumeMounts).toEqual([
      { name: "content", mountPath: "/content" },
      { name: "credentials", mountPath: "/etc/stem95su", readOnly: true },
      { name: "script", mountPath: "/opt/stem95su", readOnly: true },
      { name: "scratch", mountPath: "/scratch" },
    ]);
  });

  test("gets its credentials from Vault by External Secrets, and the program never holds them", async () => {
    const all = await site();
    expect(only(all, "ExternalSecret", "stem95su-rclone")).toMatchObject({
      type: "kubernetes:external-secrets.io/v1:ExternalSecret",
      inputs: {
        spec: {
          refreshInterval: "1h",
          secretStoreRef: { kind: "ClusterSecretStore", name: "vault-kv" },
          target: { name: "stem95su-rclone", deletionPolicy: "Retain" },
          data: [{ secretKey: "rclone_conf", remoteRef: { key: "secret/stem95su", property: "rclone_conf" } }],
        },
      },
    });
    const volumes: { secret?: object }[] = syncPod(all).volumes;
    expect(volumes.filter((volume) => "secret" in volume)).toMatchObject([
      { secret: { secretName: "stem95su-rclone", items: [{ key: "rclone_conf", path: "rclone.conf" }] } },
    ]);
    expect(all.filter(({ type }) => type === "kubernetes:core/v1:Secret")).toEqual([]);
  });

  test("is told of a confirmed number of deletions only where one is configured", async () => {
    const names = (all: readonly Declared[]) =>
      syncPod(all).containers[0].env.map((entry: { name: string }) => entry.name);
    expect(names(await site())).not.toContain("CONFIRM_DELETIONS");
    const env = syncPod(await site({ confirmDeletions: 31 })).containers[0].env;
    expect(env).toContainEqual({ name: "CONFIRM_DELETIONS", value: "31" });
  });
});

describe("the web server", () => {
  test("can only read the content, and is asked whether it is well", async () => {
    const [container] = webPod(await site()).containers;
    expect(container.volumeMounts).toContainEqual({ name: "content", mountPath: "/srv/content", readOnly: true });
    expect(
      Object.keys(container)
        .filter((key) => key.endsWith("Probe"))
        .sort(),
    ).toEqual(["livenessProbe", "readinessProbe", "startupProbe"]);
  });

  test("is reached under the configured host and certificate", async () => {
    const { metadata, spec } = only(
      await site({ ingressClass: "traefik", tlsSecret: "wildcard", ingressAnnotations: { issuer: "letsencrypt" } }),
      "Ingress",
      "web",
    ).inputs;
    expect(metadata.annotations).toEqual({ issuer: "letsencrypt", "pulumi.com/skipAwait": "true" });
    expect(spec).toMatchObject({
      ingressClassName: "traefik",
      tls: [{ hosts: ["site.test.org"], secretName: "wildcard" }],
      rules: [{ host: "site.test.org", http: { paths: [{ path: "/", pathType: "Prefix" }] } }],
    });
  });

  test("has no budget where one node holds the volume, or that node could not be drained", async () => {
    const all = await site({ accessMode: "ReadWriteOnce" });
    expect(only(all, "Deployment", "web").inputs.spec.replicas).toBe(1);
    expect(kinds(all)).not.toContain("PodDisruptionBudget web");
  });

  test("has a second pod on another node and a budget where the volume can be shared", async () => {
    const all = await site({ accessMode: "ReadWriteMany" });
    expect(only(all, "Deployment", "web").inputs.spec.replicas).toBe(2);
    expect(only(all, "PodDisruptionBudget", "web").inputs.spec).toMatchObject({ minAvailable: 1 });
  });
});

test.each(PODS)("the %s pods stay on the node of the volume, where only one node can mount it", async (_, pod) => {
  const affinity = pod(await site({ accessMode: "ReadWriteOnce" })).affinity.podAffinity;
  expect(affinity.requiredDuringSchedulingIgnoredDuringExecution).toMatchObject([
    { labelSelector: { matchLabels: { "app.kubernetes.io/component": "web" } }, topologyKey: "kubernetes.io/hostname" },
  ]);
  expect(pod(await site({ accessMode: "ReadWriteMany" }))).not.toHaveProperty("affinity");
});

test.each(PODS)("the %s pods have no rights, no token, a read-only root and bounds", async (_, pod) => {
  const spec = pod(await site());
  expect(spec).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  });
  for (const container of spec.containers) {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.resources).toMatchObject({ requests: { cpu: expect.any(String), memory: expect.any(String) } });
    expect(container.resources.limits).toHaveProperty("memory");
  }
});

test.each([
  ["web", "nginx.conf", "workstation/nginx-conf", "Deployment", "web", "nginx"],
  ["sync", "sync.sh", "workstation/sync-sh", "CronJob", "stem95su-gdrive-sync", "sync"],
])("a changed file of the %s pods makes new pods, which mount it", async (_, file, annotation, kind, name, map) => {
  const all = await site();
  const text = readFileSync(new URL(`../../../components/stem95su/${file}`, import.meta.url), "utf8");
  const { spec } = only(all, kind, name).inputs;
  const { metadata } = (spec.jobTemplate?.spec ?? spec).template;
  expect(metadata.annotations[annotation]).toBe(createHash("sha256").update(text).digest("hex").slice(0, 16));
  expect(only(all, "ConfigMap", map).inputs.data).toEqual({ [file]: text });
});

test("each pod is only let talk to whom it must", async () => {
  const all = await site();
  const policy = (name: string) => only(all, "NetworkPolicy", name).inputs.spec;
  expect(policy("deny-all")).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  expect(policy("web").ingress).toEqual([
    {
      ports: [
        { protocol: "TCP", port: 8080 },
        { protocol: "TCP", port: 8081 },
      ],
    },
  ]);
  expect(policy("web")).not.toHaveProperty("egress");
  expect(policy("sync").egress[0].ports.map(({ port }: { port: number }) => port)).toEqual([443, 53, 53]);
  expect(policy("sync")).not.toHaveProperty("ingress");
});

describe("the alert", () => {
  test("is made only where it is configured, since its kinds come with the Prometheus operator", async () => {
    const more = kinds(await site({ alertAfterMinutes: 60 })).filter((name) => /PodMonitor|PrometheusRule/.test(name));
    expect(more).toEqual(["PodMonitor stem95su", "PrometheusRule stem95su"]);
  });

  test("is raised by the age of the last good sync, and by its absence", async () => {
    const all = await site({ alertAfterMinutes: 60 });
    const [rule] = only(all, "PrometheusRule", "stem95su").inputs.spec.groups[0].rules;
    const metric = 'stem95su_last_good_sync_timestamp_seconds{namespace="stem95su"}';
    expect(rule.expr).toBe(`(time() - max(${metric}) > 3600) or absent(${metric})`);
    expect(only(all, "PodMonitor", "stem95su").inputs.spec.podMetricsEndpoints).toMatchObject([
      { port: "status", path: "/metrics" },
    ]);
  });
});
