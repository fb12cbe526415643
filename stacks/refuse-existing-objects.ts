/** Refuses to create an object of the cluster that exists already and that neither this program made nor the admin named. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { MANAGED } from "../components/cluster/labels.ts";
import type { Adoption } from "../config/adoption-file.ts";
import { type DeclaredObjects, type WrittenObjects, writeDeclaredObjects } from "../config/declared-objects.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";
import { runError } from "./run-error.ts";

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

/**
 * From here on each object of the cluster that the run before did not declare and that is not adopted is looked for before
 * it is declared, in previews too. Whether the Kubernetes plugin refuses an existing one depends on its version: before
 * 4.29.0 it takes the object over.
 * @param before nothing for a stack that never ran to its end, and after a version that did not record it
 * @returns tells, when everything is declared, what it was, as soon as the engine has answered for each
 */
export function refuseExistingObjects(
  kubeconfig: string,
  before: DeclaredObjects,
  adoption: Adoption = [],
): () => pulumi.Output<WrittenObjects> {
  const refuse = refusalOf(kubeconfig);
  const adopted = new Set(adoption.map(({ type, name }) => `${type} ${name}`));
  const declared = new Map<string, Set<string>>();
  const resources: pulumi.Resource[] = [];
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts, resource }) => {
    if (!type.startsWith("kubernetes:")) return undefined;
    resources.push(resource);
    const { apiVersion, kind } = props as DeclaredObject;
    const metadata = pulumi.output((props as pulumi.Unwrap<DeclaredObject>).metadata).apply(async (given) => {
      const namespace = given.namespace ?? "";
      const key = `${kind} ${given.name}`;
      declared.set(namespace, (declared.get(namespace) ?? new Set()).add(key));
      const isNew = before.get(namespace)?.has(key) !== true;
      if (isNew && !adopted.has(`${type} ${name}`)) await refuse({ apiVersion, kind, metadata: given });
      return given;
    });
    return { props: { ...props, metadata }, opts };
  });
  return () => pulumi.all(resources.map(({ urn }) => urn)).apply(() => writeDeclaredObjects(declared));
}

/** @throws RunError for an object that exists and is not ours, and where that cannot be read */
function refusalOf(kubeconfig: string): (object: DeclaredObject) => Promise<void> {
  const read = liveObjects(kubeconfig);
  return async (object) => {
    const called = objectName(object);
    const live = await read(object);
    if (live === undefined || live.status === 404 || (live.status === 200 && isOurs(live.value))) return;
    if (live.status === 200)
      throw runError(
        `${called} exists already, and neither the stack nor the adoption file has it. Run ./ws import, which puts ` +
          "it into the adoption file, or delete it",
      );
    const unread = `${called}: the API server does not say whether it exists (status ${live.status})`;
    if (live.status !== 403 || !pulumi.runtime.isDryRun()) throw runError(unread);
    await pulumi.log.info(`${unread}; the deployment asks again`);
  };
}

/** An earlier run that was killed may have made it without recording it. */
function isOurs(live: unknown): boolean {
  const parsed = labelled.safeParse(live);
  return parsed.success && Object.entries(MANAGED).every(([key, value]) => parsed.data.metadata.labels[key] === value);
}
