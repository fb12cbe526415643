/**
 * Starts the lab's cluster as one part: a control plane and a real node. It keeps the facts that others need to reach
 * them.
 */
import { z } from "zod";
import { fact } from "../facts.ts";
import type { Instance } from "../instance.ts";
import type { Toolchain } from "../toolchain/index.ts";
import { ensureCertificates } from "./certificates.ts";
import { startContainerd } from "./containerd.ts";
import { startControlPlane } from "./control-plane.ts";
import { startDns } from "./dns/index.ts";
import { ensureImage } from "./images.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { nginxImage } from "./nginx-image.ts";
import { startNode } from "./node.ts";
import { openNodeSpace } from "./node-namespaces.ts";
import { pauseImage } from "./pause-image.ts";

/** Where the cluster is, for the other parts, the program and the tests. */
export const clusterFact = fact(
  "cluster",
  z.strictObject({
    /** `https://…:6443` */
    server: z.string(),
    /** PEM file of the cluster's authority. */
    caFile: z.string(),
    /** Secret: may do everything. */
    adminKubeconfig: z.string(),
    /** JSON lines: every write, with who and what. */
    auditLog: z.string(),
    /** Taken up by the API server when it changes. */
    authenticationFile: z.string(),
    /** `kubectl` of the cluster's version. */
    kubectl: z.string(),
  }),
);

/** Brings the cluster up; when it returns, the node is `Ready` and has the lab's images. */
export async function startCluster(instance: Instance, tools: Toolchain): Promise<void> {
  const certs = await ensureCertificates(instance);
  const prepared = prepareNode(instance);
  prepared.catch(() => undefined); // awaited below; the control plane's failure comes first
  const plane = await startControlPlane(instance, tools, certs);
  const kubernetes = await tools.get("kubernetes");
  const inNodeSpace = await prepared;
  await Promise.all([
    startNode(instance, kubernetes, certs, plane.server, inNodeSpace),
    startDns(instance, certs, plane.server),
  ]);
  await clusterFact.write(instance, {
    ...plane,
    caFile: certs.ca.cert,
    adminKubeconfig: await writeKubeconfig(instance.path("admin.kubeconfig"), plane.server, certs, { client: "admin" }),
    kubectl: kubernetes.file("kubectl"),
  });
}

/** What the node needs of nobody else: it is done while the control plane comes up. */
async function prepareNode(instance: Instance) {
  const inNodeSpace = await openNodeSpace(instance);
  await startContainerd(instance, inNodeSpace);
  await ensureImage(instance, pauseImage);
  await ensureImage(instance, nginxImage);
  return inNodeSpace;
}
