/** Refuses to create an object of the cluster that exists already and that the admin has not named for adoption. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { deletionOf } from "../clients/kubernetes/other-keepers.ts";
import { bearsOurLabels } from "../components/cluster/labels.ts";
import { type Adoption, objectId } from "../config/adoption-file.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";
import { objectKey, type ObjectsInState } from "./objects-in-state.ts";
import { runError } from "./run-error.ts";

/**
 * From here on each object of the cluster that the state does not hold and that is not adopted is looked for before it is
 * declared, in previews too. Whether the Kubernetes plugin refuses an existing one depends on its version: before 4.29.0 it
 * takes the object over. Its labels prove nothing to a deployment: whoever is admin of a namespace can give anything ours.
 */
export function refuseExistingObjects(kubeconfig: string, inState: ObjectsInState, adoption: Adoption = []): void {
  const refuse = refusalOf(kubeconfig);
  const adopted = new Set(adoption.map(({ type, name }) => `${type} ${name}`));
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    if (!type.startsWith("kubernetes:") || adopted.has(`${type} ${name}`)) return undefined;
    const { apiVersion, kind } = props as DeclaredObject;
    const metadata = pulumi.output((props as pulumi.Unwrap<DeclaredObject>).metadata).apply(async (given) => {
      const isHeld = inState.get(given.namespace ?? "")?.has(objectKey(kind, given.name)) === true;
      if (!isHeld) await refuse({ apiVersion, kind, metadata: given }, `type ${type}, name ${name}`);
      return given;
    });
    return { props: { ...props, metadata }, opts };
  });
}

/** @throws RunError for an object that exists, and where that cannot be read */
function refusalOf(kubeconfig: string): (object: DeclaredObject, resource: string) => Promise<void> {
  const read = liveObjects(kubeconfig);
  return async (object, resource) => {
    const called = objectName(object);
    const live = await read(object);
    if (live === undefined || live.status === 404) return;
    const isPreview = pulumi.runtime.isDryRun();
    if (live.status !== 200) {
      const unread = `${called}: the API server does not say whether it exists (status ${live.status})`;
      if (!isPreview) throw runError(unread);
      return pulumi.log.info(`${unread}; the deployment asks again`);
    }
    // The preview of a pull request goes by the state that was published last.
    if (isPreview && hasOurLabels(live.value))
      return pulumi.log.info(
        `${called} exists already; a deployment may have made it that is not published yet. The deployment asks again`,
      );
    throw runError(
      `${called} exists already, and the stack does not have it. ${remedyFor(object, resource, live.value)}`,
    );
  };
}

function remedyFor(object: DeclaredObject, resource: string, live: unknown): string {
  if (deletionOf(live) !== undefined) return "It is being deleted: wait until it is gone, and deploy again";
  if (object.kind === "Secret" || object.kind === "ConfigMap")
    return "It cannot be adopted: keep its content elsewhere if you need it, delete it, and deploy again";
  const { name, namespace } = object.metadata;
  return (
    `Put it into the adoption file (${resource}, id ${objectId(name, namespace)}) or delete it, and deploy again; ` +
    "before a first deployment ./ws import writes that file"
  );
}

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

function hasOurLabels(live: unknown): boolean {
  const parsed = labelled.safeParse(live);
  return parsed.success && bearsOurLabels(parsed.data.metadata.labels);
}
