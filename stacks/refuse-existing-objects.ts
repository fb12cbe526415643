/** Refuses to create an object of the cluster that exists already and that neither this program made nor the admin named. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { MANAGED } from "../components/cluster/labels.ts";
import type { Adoption } from "../config/adoption-file.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

/**
 * From here on every object of the cluster that is not adopted is looked for before it is declared, in previews too. For a
 * stack that has no object yet. Whether the Kubernetes plugin refuses an existing one depends on its version: before 4.29.0
 * it takes the object over.
 */
export function refuseExistingObjects(kubeconfig: string, adoption: Adoption = []): void {
  const read = liveObjects(kubeconfig);
  const adopted = new Set(adoption.map(({ type, name }) => `${type} ${name}`));
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    if (!type.startsWith("kubernetes:") || adopted.has(`${type} ${name}`)) return undefined;
    const { apiVersion, kind } = props as DeclaredObject;
    const metadata = pulumi.output((props as pulumi.Unwrap<DeclaredObject>).metadata).apply(async (given) => {
      const object = { apiVersion, kind, metadata: given };
      const live = await read(object);
      if (live?.status === 200 && !isOurs(live.value)) throw new pulumi.RunError(refusal(object));
      return given;
    });
    return { props: { ...props, metadata }, opts };
  });
}

const refusal = (object: DeclaredObject): string =>
  `${objectName(object)} exists already, and neither the stack nor the adoption file has it. Run ./ws import, which puts ` +
  "it into the adoption file, or delete it";

/** An earlier run that was killed may have made it without recording it. */
function isOurs(live: unknown): boolean {
  const parsed = labelled.safeParse(live);
  return parsed.success && Object.entries(MANAGED).every(([key, value]) => parsed.data.metadata.labels[key] === value);
}
