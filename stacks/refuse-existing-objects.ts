/** Refuses to create an object of the cluster that exists already and that the admin has not named for adoption. */

import * as pulumi from "@pulumi/pulumi";
import type { Adoption } from "../config/adoption-file.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";
import { objectKey, type ObjectsInState } from "./objects-in-state.ts";
import { runError } from "./run-error.ts";

/**
 * From here on each object of the cluster that the state does not hold and that is not adopted is looked for before it is
 * declared, in previews too. Whether the Kubernetes plugin refuses an existing one depends on its version: before 4.29.0 it
 * takes the object over. Its labels prove nothing: whoever is admin of a namespace can give anything ours.
 */
export function refuseExistingObjects(kubeconfig: string, inState: ObjectsInState, adoption: Adoption = []): void {
  const refuse = refusalOf(kubeconfig);
  const adopted = new Set(adoption.map(({ type, name }) => `${type} ${name}`));
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    if (!type.startsWith("kubernetes:") || adopted.has(`${type} ${name}`)) return undefined;
    const { apiVersion, kind } = props as DeclaredObject;
    const metadata = pulumi.output((props as pulumi.Unwrap<DeclaredObject>).metadata).apply(async (given) => {
      const isHeld = inState.get(given.namespace ?? "")?.has(objectKey(kind, given.name)) === true;
      if (!isHeld) await refuse({ apiVersion, kind, metadata: given });
      return given;
    });
    return { props: { ...props, metadata }, opts };
  });
}

/** @throws RunError for an object that exists, and where that cannot be read */
function refusalOf(kubeconfig: string): (object: DeclaredObject) => Promise<void> {
  const read = liveObjects(kubeconfig);
  return async (object) => {
    const called = objectName(object);
    const live = await read(object);
    if (live === undefined || live.status === 404) return;
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
