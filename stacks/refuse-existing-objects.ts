/** Refuses to create an object of the cluster that exists already and that neither this program made nor the admin named. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { MANAGED } from "../components/cluster/labels.ts";
import { type LiveObject, liveObjects, objectName } from "./live-object.ts";

const declared = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().exactOptional() }),
});

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

/**
 * From here on the engine looks for every object of the cluster that it is about to create, in previews too: the state does
 * not have it, and no import names it. Whether the Kubernetes plugin refuses an existing one depends on its version: before
 * 4.29.0 it takes the object over.
 */
export function refuseExistingObjects(kubeconfig: string): void {
  const read = liveObjects(kubeconfig);
  const refuse = async ({ newInputs }: pulumi.ResourceHookArgs) => {
    const object = declared.parse(newInputs);
    const called = objectName(object);
    const live = await read(object);
    if (live === undefined || live.status === 404 || (live.status === 200 && isOurs(live))) return;
    if (live.status === 200) throw new Error(refusal(called));
    const unread = `${called}: the API server does not say whether it exists (status ${live.status})`;
    if (live.status !== 403 || !pulumi.runtime.isDryRun()) throw new Error(unread);
    await pulumi.log.info(`${unread}; the deployment asks again`);
  };
  const hook = new pulumi.ResourceHook("refuse-existing-object", refuse, { onDryRun: true });
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) return undefined;
    return { props, opts: { ...opts, hooks: { ...opts.hooks, beforeCreate: [hook] } } };
  });
}

const refusal = (called: string): string =>
  `${called} exists already, and neither the stack nor the adoption file has it. Run ./ws import, which puts ` +
  "it into the adoption file, or delete it";

/** An earlier run that was killed may have made it without recording it, and what is replaced is still there. */
function isOurs({ value }: LiveObject): boolean {
  const parsed = labelled.safeParse(value);
  return parsed.success && Object.entries(MANAGED).every(([key, value]) => parsed.data.metadata.labels[key] === value);
}
