/** Lets Vault take ServiceAccount tokens of the lab's cluster: it asks the API server whether each is genuine. */
import { readFile } from "node:fs/promises";
import type { clusterFact } from "../cluster/cluster.ts";
import { run } from "../run.ts";
import type { LabVault } from "./api.ts";
import { enableAuth } from "./enable-auth.ts";
import { KUBERNETES_PLUGIN } from "./register-plugin.ts";

type Cluster = Awaited<ReturnType<(typeof clusterFact)["read"]>>;

/** Enables and configures the mount `kubernetes`. Safe to repeat. */
export async function connectCluster(vault: LabVault, cluster: Cluster): Promise<void> {
  await enableAuth(vault, "kubernetes", KUBERNETES_PLUGIN);
  await vault.must("POST", "auth/kubernetes/config", {
    kubernetes_host: cluster.server,
    kubernetes_ca_cert: await readFile(cluster.caFile, "utf8"),
    token_reviewer_jwt: await reviewerToken(cluster),
    disable_local_ca_jwt: true,
  });
}

/** A token of an account that may do nothing but ask whether tokens are genuine. */
async function reviewerToken({ kubectl, adminKubeconfig }: Cluster): Promise<string> {
  const ask = (args: readonly string[], input?: string) =>
    run([kubectl, `--kubeconfig=${adminKubeconfig}`, ...args], input === undefined ? {} : { input });
  await ask(["apply", "-f", "-"], JSON.stringify(REVIEWER));
  const { stdout } = await ask(["create", "token", NAME, `--namespace=${NAMESPACE}`, "--duration=8760h"]);
  return stdout.trim();
}

const NAME = "vault-reviewer";
const NAMESPACE = "kube-system";

const REVIEWER = {
  apiVersion: "v1",
  kind: "List",
  items: [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: NAME, namespace: NAMESPACE } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: NAME },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:auth-delegator" },
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }],
    },
  ],
};
