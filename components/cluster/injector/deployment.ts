/** Declares the injector's pods: two, without any right on their node or in the cluster, replaced one by one. */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { MANAGED } from "../labels.ts";
import { INJECTOR, SELECTOR } from "./names.ts";
import { DRAIN, MOUNT_PATHS, PROBE_PORT, REQUEST_PORT } from "./proxy/contract.ts";

export interface DeploymentArgs {
  readonly namespace: string;
  readonly image: string;
  readonly mapSecrets: readonly string[];
  readonly settings: string;
  readonly sharedSecret?: string;
  /** Of everything that the pods read at their start: they roll when it changes. */
  readonly digest: pulumi.Input<string>;
  readonly after: readonly pulumi.Resource[];
}

/** An unprivileged number that no image gives to anybody. */
const UID = 65_532;

export function deployInjector(parent: pulumi.Resource, name: string, args: DeploymentArgs): void {
  const metadata = { name: INJECTOR, namespace: args.namespace, labels: { ...MANAGED, ...SELECTOR } };
  const account = new k8s.core.v1.ServiceAccount(name, { metadata, automountServiceAccountToken: false }, { parent });
  new k8s.apps.v1.Deployment(
    name,
    {
      metadata,
      spec: {
        replicas: 2,
        // A pod that does not start, because its map is broken, leaves both old ones serving.
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        minReadySeconds: 2,
        progressDeadlineSeconds: 180,
        selector: { matchLabels: SELECTOR },
        template: {
          metadata: { labels: { ...MANAGED, ...SELECTOR }, annotations: { "workstation/digest": args.digest } },
          spec: podSpec(args),
        },
      },
    },
    { parent, dependsOn: [account, ...args.after] },
  );
  new k8s.policy.v1.PodDisruptionBudget(
    name,
    { metadata, spec: { minAvailable: 1, selector: { matchLabels: SELECTOR } } },
    { parent },
  );
}

const podSpec = (args: DeploymentArgs) => ({
  serviceAccountName: INJECTOR,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  terminationGracePeriodSeconds: DRAIN.limitMs / 1000 + 10,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: UID,
    runAsGroup: UID,
    fsGroup: UID,
    seccompProfile: { type: "RuntimeDefault" },
  },
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: SELECTOR } },
        },
      ],
    },
  },
  initContainers: [],
  containers: [container(args)],
  volumes: volumes(args),
});

const container = (args: DeploymentArgs) => ({
  name: INJECTOR,
  image: args.image,
  // Nothing of the image's own start script; and no environment that could change what node does, declared to be noticed.
  command: ["node", "--disable-proto=delete", MOUNT_PATHS.program],
  args: [],
  env: [],
  ports: [
    { name: "http", containerPort: REQUEST_PORT },
    { name: "probes", containerPort: PROBE_PORT },
  ],
  readinessProbe: { httpGet: { path: "/readyz", port: "probes" }, periodSeconds: 2, failureThreshold: 1 },
  livenessProbe: { httpGet: { path: "/healthz", port: "probes" }, periodSeconds: 10, failureThreshold: 6 },
  startupProbe: { httpGet: { path: "/readyz", port: "probes" }, periodSeconds: 1, failureThreshold: 60 },
  resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "256Mi" } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
  volumeMounts: [
    { name: "settings", mountPath: folderOf(MOUNT_PATHS.config), readOnly: true },
    { name: "program", mountPath: folderOf(MOUNT_PATHS.program), readOnly: true },
    { name: "map", mountPath: MOUNT_PATHS.map, readOnly: true },
    ...(args.sharedSecret === undefined
      ? []
      : [{ name: "shared-secret", mountPath: MOUNT_PATHS.sharedSecret, readOnly: true }]),
  ],
});

/** Secrets come as files and never as environment: that would stand in `describe pod` and in every child's `/proc`. */
const volumes = (args: DeploymentArgs) => [
  { name: "settings", configMap: { name: args.settings, items: [{ key: "config.json", path: "config.json" }] } },
  { name: "program", configMap: { name: args.settings, items: [{ key: "injector.mjs", path: "injector.mjs" }] } },
  {
    name: "map",
    projected: {
      defaultMode: 0o440,
      sources: args.mapSecrets.map((name, i) => ({
        secret: { name, items: [{ key: "identities.json", path: `identities-${i}.json` }] },
      })),
    },
  },
  ...(args.sharedSecret === undefined
    ? []
    : [{ name: "shared-secret", secret: { secretName: args.sharedSecret, defaultMode: 0o440 } }]),
];

const folderOf = (file: string) => file.slice(0, file.lastIndexOf("/"));
