/** Starts the node of the lab's cluster: kubelet and kube-proxy on the lab's containerd. */
import { mkdir } from "node:fs/promises";
import type { Instance } from "../instance.ts";
import type { ServerSpec } from "../process/server-spec.ts";
import { startServer } from "../process/start.ts";
import { replaceFile } from "../replace-file.ts";
import { run } from "../run.ts";
import type { ToolHome } from "../toolchain/index.ts";
import { answers } from "./http-ready.ts";
import type { Certificates } from "./certificates.ts";
import { containerdSocket } from "./containerd.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import type { InNodeSpace } from "./node-namespaces.ts";

/** What the node is called in the cluster. */
export const NODE_NAME = "lab";

/** Where the kubelet looks for static pods. */
export const staticPodFolder = (instance: Instance): string => instance.path("kubelet", "manifests");

/** Starts kubelet and kube-proxy; when it returns, the node is `Ready`. */
export async function startNode(
  instance: Instance,
  tools: ToolHome,
  certs: Certificates,
  server: string,
  inNodeSpace: InNodeSpace,
): Promise<void> {
  await Promise.all(["kubelet/manifests", "kube-proxy"].map((dir) => mkdir(instance.path(dir), { recursive: true })));
  await replaceFile(instance.path("kubelet", "resolv.conf"), "");
  await replaceFile(
    instance.path("kubelet", "config.json"),
    JSON.stringify(kubeletConfiguration(instance, certs), null, 2),
  );
  const kubelet = await writeKubeconfig(instance.path("kubelet.kubeconfig"), server, certs, { client: "kubelet" });
  const proxy = await writeKubeconfig(instance.path("kube-proxy.kubeconfig"), server, certs, { client: "kube-proxy" });
  // Without a route the kernel refuses a Service's address before kube-proxy's rules can translate it.
  const { lab, serviceRange } = instance.address;
  await run(instance.inside(["ip", "route", "replace", serviceRange, "dev", "uplink", "src", lab]));
  await replaceFile(
    instance.path("kube-proxy", "config.json"),
    JSON.stringify(proxyConfiguration(instance, proxy), null, 2),
  );
  await Promise.all([
    startServer(instance, kubeletServer(instance, inNodeSpace, tools.file("kubelet"), kubelet, certs, server)),
    startServer(instance, {
      name: "kube-proxy",
      reads: [instance.path("kube-proxy", "config.json"), proxy],
      argv: inNodeSpace([tools.file("kube-proxy"), `--config=${instance.path("kube-proxy", "config.json")}`]),
      ready: () => answers(`http://${instance.address.lab}:10256/healthz`),
      withinMs: 60_000,
    }),
  ]);
}

const kubeletServer = (
  instance: Instance,
  inNodeSpace: InNodeSpace,
  program: string,
  kubeconfig: string,
  certs: Certificates,
  server: string,
): ServerSpec => ({
  name: "kubelet",
  reads: [instance.path("kubelet", "config.json"), kubeconfig],
  argv: inNodeSpace([
    program,
    `--config=${instance.path("kubelet", "config.json")}`,
    `--kubeconfig=${kubeconfig}`,
    `--root-dir=${instance.path("kubelet", "root")}`,
    `--cert-dir=${instance.path("kubelet", "pki")}`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${instance.address.lab}`,
  ]),
  ready: () => {
    const options = { ca: certs.ca.cert, client: certs.clients.admin, accept: isReady };
    return answers(`${server}/api/v1/nodes/${NODE_NAME}`, options);
  },
  withinMs: 120_000,
});

/** A node that was up before is `Ready` in the API server for a while after it is gone, so only a fresh word counts. */
function isReady(body: string): true | string {
  const node = JSON.parse(body) as { status: { conditions?: readonly NodeCondition[] } };
  const ready = node.status.conditions?.find((condition) => condition.type === "Ready");
  if (ready === undefined) return "the node has no conditions yet";
  const fresh = Date.now() - Date.parse(ready.lastHeartbeatTime) < FRESH_MS;
  return (ready.status === "True" && fresh) || `the node is not Ready: ${ready.message}`;
}

interface NodeCondition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
  readonly lastHeartbeatTime: string;
}

/** The kubelet repeats its word every minute. */
const FRESH_MS = 90_000;

/** The machine's own cgroups and limits are not the lab's to manage, so everything that enforces them is off. */
const kubeletConfiguration = (instance: Instance, certs: Certificates): object => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  address: instance.address.lab,
  readOnlyPort: 0,
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: certs.ca.cert } },
  authorization: { mode: "Webhook" },
  tlsCertFile: certs.kubeletServing.cert,
  tlsPrivateKeyFile: certs.kubeletServing.key,
  containerRuntimeEndpoint: `unix://${containerdSocket(instance)}`,
  cgroupDriver: "cgroupfs",
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failCgroupV1: false,
  failSwapOn: false,
  evictionHard: Object.fromEntries(
    ["memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"].map(
      (signal) => [signal, "0%"],
    ),
  ),
  // Images cannot be pulled again, so none may be collected.
  imageMinimumGCAge: "8760h",
  clusterDNS: [instance.address.lab],
  clusterDomain: "cluster.local",
  resolvConf: instance.path("kubelet", "resolv.conf"),
  staticPodPath: staticPodFolder(instance),
  volumePluginDir: instance.path("kubelet", "volume-plugins"),
  nodeStatusUpdateFrequency: "1s",
  nodeStatusReportFrequency: "1m",
});

/** Connection tracking is the whole machine's: its limits stay as they are. */
const proxyConfiguration = (instance: Instance, kubeconfig: string): object => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  mode: "nftables",
  clientConnection: { kubeconfig },
  hostnameOverride: NODE_NAME,
  clusterCIDR: instance.address.podRange,
  bindAddress: instance.address.lab,
  healthzBindAddress: `${instance.address.lab}:10256`,
  metricsBindAddress: "127.0.0.1:10249",
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
});
