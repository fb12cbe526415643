/** Runs a second API server from a static manifest of the lab's kubelet, as kubeadm lays one out. Tests change it. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Instance } from "../instance.ts";
import type { ToolHome } from "../toolchain/index.ts";
import { answers } from "./http-ready.ts";
import type { Certificates } from "./certificates.ts";
import { ensureImage } from "./images.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { staticPodFolder } from "./node.ts";
import { programImage } from "./program-image.ts";

const IMAGE = "registry.k8s.io/kube-apiserver:v1.36.3";
const PORT = 7443;

export interface StaticApiServer {
  readonly server: string;
  /** The manifest as `kubeadm` made it, for a test that makes it again. */
  readonly manifestText: string;
  readonly manifest: string;
  /** Stands for /etc/kubernetes. */
  readonly folder: string;
  readonly adminKubeconfig: string;
  readonly livez: string;
}

/** Writes the manifest and waits until the server lives. What it keeps lies apart from the lab's own in the same store. */
export async function startStaticApiServer(
  instance: Instance,
  tools: ToolHome,
  certs: Certificates,
): Promise<StaticApiServer> {
  await ensureImage(instance, programImage(IMAGE, tools.dir, tools.file("kube-apiserver")));
  const server = `https://${instance.address.lab}:${PORT}`;
  const folder = instance.path("static-control-plane");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const manifest = join(staticPodFolder(instance), "kube-apiserver.yaml");
  const manifestText = stringify(pod(instance, certs));
  const made = {
    ...{ server, manifest, manifestText, folder, livez: `${server}/livez` },
    adminKubeconfig: await writeKubeconfig(join(folder, "admin.conf"), server, certs, { client: "admin" }),
  };
  await writeManifest(made, manifestText);
  await untilLive(made, certs);
  return made;
}

/** Puts a manifest where the kubelet looks, whole at once. */
export async function writeManifest({ folder, manifest }: StaticApiServer, text: string): Promise<void> {
  await writeFile(join(folder, "manifest.new"), text);
  await rename(join(folder, "manifest.new"), manifest);
}

/** Takes it away; the kubelet ends it. */
export const stopStaticApiServer = ({ manifest }: StaticApiServer): Promise<void> => rm(manifest, { force: true });

/** @throws Error when it does not live within two minutes */
export async function untilLive({ livez }: StaticApiServer, certs: Certificates): Promise<void> {
  const until = Date.now() + 120_000;
  for (;;) {
    const status = await answers(livez, { ca: certs.ca.cert }).catch((cause: Error) => cause.message);
    if (status === true) return;
    if (Date.now() > until) throw new Error(`the static API server does not live: ${status}`);
    await new Promise((next) => setTimeout(next, 500));
  }
}

const pod = (instance: Instance, certs: Certificates) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "kube-apiserver",
    namespace: "kube-system",
    labels: { component: "kube-apiserver", tier: "control-plane" },
  },
  spec: {
    hostNetwork: true,
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: "kube-apiserver",
        image: IMAGE,
        command: command(instance, certs),
        volumeMounts: [{ mountPath: instance.path("certificates"), name: "certificates", readOnly: true }],
      },
    ],
    volumes: [{ hostPath: { path: instance.path("certificates"), type: "Directory" }, name: "certificates" }],
  },
});

const command = (instance: Instance, certs: Certificates): readonly string[] => [
  "kube-apiserver",
  "--etcd-servers=http://127.0.0.1:2379",
  "--etcd-prefix=/static",
  `--advertise-address=${instance.address.lab}`,
  `--secure-port=${PORT}`,
  `--service-cluster-ip-range=${instance.address.serviceRange}`,
  "--authorization-mode=Node,RBAC",
  "--allow-privileged=true",
  `--client-ca-file=${certs.ca.cert}`,
  `--tls-cert-file=${certs.apiServer.cert}`,
  `--tls-private-key-file=${certs.apiServer.key}`,
  "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
  `--service-account-signing-key-file=${certs.accountKey}`,
  `--service-account-key-file=${certs.accountKey}`,
  "--shutdown-delay-duration=0s",
];
