/** Opens the lab's real cluster for these tests, and applies the resources of components in it without the engine. */

import * as pulumi from "@pulumi/pulumi";
import { ensureCertificates } from "../../../lab/cluster/certificates.ts";
import { clusterFact, startCluster } from "../../../lab/cluster/cluster.ts";
import { ensureImage } from "../../../lab/cluster/images.ts";
import { nodeImage } from "../../../lab/cluster/node-image.ts";
import { type Instance, instanceName, openInstance } from "../../../lab/instance.ts";
import { run } from "../../../lab/run.ts";
import { openToolchain } from "../../../lab/toolchain/index.ts";
import { unwrapped } from "../../components/cluster/reveal-secrets.ts";
import { type Api, apiAs, collectionOf, eventually } from "./api.ts";

export interface LabCluster {
  readonly instance: Instance;
  readonly server: string;
  readonly caFile: string;
  /** May do everything. */
  readonly admin: Api;
  /** As whoever holds that token. */
  as(token: string): Api;
  readonly adminKubeconfig: string;
  readonly authenticationFile: string;
}

/** Brings it up; one that is up stays. */
export async function openLabCluster(): Promise<LabCluster> {
  const instance = await openInstance(instanceName({ WS_LAB: "test", ...process.env }));
  await startCluster(instance, openToolchain(["etcd", "kubernetes"]));
  await ensureImage(instance, nodeImage);
  const { server, caFile, adminKubeconfig, authenticationFile } = await clusterFact.read(instance);
  const certs = await ensureCertificates(instance);
  return {
    instance,
    server,
    caFile,
    adminKubeconfig,
    authenticationFile,
    admin: apiAs(server, caFile, certs.clients.admin),
    as: (token) => apiAs(server, caFile, { token }),
  };
}

/** Takes away what the program, or these tests in its stead, made: others' tests find the cluster as it was. */
export async function cleanCluster({ instance, adminKubeconfig }: LabCluster): Promise<void> {
  const { kubectl } = await clusterFact.read(instance);
  const asked = (...words: readonly string[]) =>
    run([kubectl, `--kubeconfig=${adminKubeconfig}`, "delete", ...words, "--ignore-not-found"], { timeoutMs: 180_000 });
  const ours = "--selector=app.kubernetes.io/managed-by=workstation";
  await asked("pods", "--all-namespaces", ours, "--grace-period=0", "--force");
  await asked("namespace", "echo", "by-hand");
  const kinds = ["namespaces", "clusterroles", "clusterrolebindings", "validatingadmissionpolicies"];
  await asked([...kinds, "validatingadmissionpolicybindings"].join(","), ours);
}

/**
 * Runs a program of resources and applies each in the cluster, as the provider would: one that depends on another waits
 * for it, and a token Secret is done when it has its token. What was there and is no longer asked for is not removed.
 */
export async function applied(admin: Api, program: () => void): Promise<void> {
  const failures: string[] = [];
  await pulumi.runtime.setMocks({
    call: ({ token }) => {
      throw new Error(`nothing here calls ${token}`);
    },
    newResource: async ({ type, name, inputs }) => {
      if (!type.startsWith("kubernetes:")) return { id: name, state: inputs };
      const live = await apply(admin, objectOf(type, inputs)).catch((cause: unknown) => {
        failures.push(`${name}: ${String(cause)}`);
        return inputs;
      });
      return { id: name, state: live };
    },
  });
  program();
  await pulumi.runtime.disconnect();
  if (failures.length > 0) throw new Error(failures.join("\n"));
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly type?: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function objectOf(type: string, inputs: Record<string, unknown>): Manifest {
  const [, group = "", kind = ""] = /^kubernetes:(.+):(\w+)$/.exec(type) ?? [];
  return { apiVersion: group.replace(/^core\//, ""), kind, ...(unwrapped(inputs) as object) } as Manifest;
}

/** Server-side apply, once more when the object's namespace or a quota is not known everywhere yet. */
async function apply(admin: Api, object: Manifest): Promise<object> {
  const { namespace, name } = object.metadata;
  const path = `${collectionOf(object.apiVersion, object.kind, namespace)}/${name}?fieldManager=workstation&force=true`;
  const { status, body } = await admin("PATCH", path, object, "application/apply-patch+yaml");
  if (status !== 200 && status !== 201) throw new Error(`${object.kind} ${name}: ${status} ${JSON.stringify(body)}`);
  if (object.type !== "kubernetes.io/service-account-token") return body as object;
  return eventually(`token of ${namespace}/${name}`, async () => {
    const { body: live } = await admin("GET", path.split("?")[0] ?? path);
    return live?.data?.token === undefined ? undefined : (live as object);
  });
}
