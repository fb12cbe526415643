/** Refuses to create an object of the cluster that exists already and that neither this program made nor the admin named. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { MANAGED } from "../components/cluster/labels.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

/**
 * From here on every object of the cluster is looked for before it is created, in previews too. Whether the Kubernetes plugin
 * refuses an existing one depends on its version: before 4.29.0 it takes the object over.
 */
export function refuseExistingObjects(kubeconfig: string): void {
  const read = liveObjects(kubeconfig);
  const look = async ({ newInputs }: pulumi.ResourceHookArgs) => {
    const object = newInputs as unknown as DeclaredObject;
    const live = await read(object);
    if (live?.status !== 200 || isOurs(live.value)) return;
    throw new Error(
      `${objectName(object)} exists already, and neither the stack nor the adoption file has it. Run ./ws import, which puts ` +
        "it into the adoption file, or delete it",
    );
  };
  const hook = new pulumi.ResourceHook("refuse-existing-objects", look, { onDryRun: true });
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) return undefined;
    return {
      props,
      opts: { ...opts, hooks: { ...opts.hooks, beforeCreate: [...(opts.hooks?.beforeCreate ?? []), hook] } },
    };
  });
}

/** An earlier run that was killed may have made it without recording it. */
function isOurs(live: unknown): boolean {
  const parsed = labelled.safeParse(live);
  return parsed.success && Object.entries(MANAGED).every(([key, value]) => parsed.data.metadata.labels[key] === value);
}
