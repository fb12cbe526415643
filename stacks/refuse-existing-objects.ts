/** Refuses to create a Kubernetes object that exists: a plugin before 4.29.0 takes its fields over without a word. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { MANAGED } from "../components/cluster/labels.ts";
import { type KubeCall, KubernetesError, openKubernetes } from "../clients/kubernetes/client.ts";
import { kindLookup, objectPath } from "../clients/kubernetes/resource-path.ts";

const inputs = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
});
const live = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).optional() }) });

/**
 * From here on the engine asks the cluster for each object before it creates it, in the preview too, so that an update
 * stops before its first write. It creates what the stack's state does not hold: an import creates nothing.
 */
export function refuseExistingObjects(kubeconfig: string): void {
  const refusal = refusalOf(openKubernetes(kubeconfig));
  const hook = new pulumi.ResourceHook(
    "refuse-existing-object",
    async ({ newInputs }) => {
      const isDryRun = pulumi.runtime.isDryRun();
      const why = await refusal(newInputs, isDryRun).catch((cause: unknown) => {
        // The preflight has warned of a cluster that does not answer a preview.
        if (isDryRun && cause instanceof KubernetesError) return undefined;
        throw cause;
      });
      if (why !== undefined) throw new Error(why);
    },
    { onDryRun: true },
  );
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) =>
    type.startsWith("kubernetes:") ? { props, opts: { ...opts, hooks: { beforeCreate: [hook] } } } : undefined,
  );
}

/**
 * @returns a function that tells why an object with these inputs is not created; undefined where nothing is in its place.
 * @throws KubernetesError from that function, where the cluster does not answer it
 */
export function refusalOf(call: KubeCall): (newInputs: unknown, isDryRun: boolean) => Promise<string | undefined> {
  const kindOf = kindLookup(call);
  return async (newInputs, isDryRun) => {
    const parsed = inputs.safeParse(newInputs);
    // A name that only the update will know, or that the cluster makes up, is nobody's yet.
    if (!parsed.success) return undefined;
    const { apiVersion, kind, metadata } = parsed.data;
    const { name, namespace = "default" } = metadata;
    const known = await kindOf(apiVersion, kind);
    if (known === undefined) return undefined;
    const where = known.namespaced ? namespace : undefined;
    const { status, value } = await call("GET", objectPath(apiVersion, known.name, name, where));
    if (status === 404) return undefined;
    const what = `${kind} ${where === undefined ? "" : `${where}/`}${name}`;
    // A preview's account reads few kinds. The update reads all.
    if (status === 403 && isDryRun) return undefined;
    const there = live.safeParse(value);
    if (status !== 200 || !there.success)
      throw new KubernetesError(`the API server answered the question for ${what} with status ${status}`);
    const labels = there.data.metadata.labels ?? {};
    // What a preview shows as replaced is still there; the update deletes it first.
    if (isDryRun && MARKS.every(([key, value]) => labels[key] === value)) return undefined;
    return (
      `${what} exists, and this stack did not make it: it is left as it is. Delete it, or have ./ws import take it over ` +
      "(docs/adoption.md)"
    );
  };
}

const MARKS = Object.entries(MANAGED);
