/** Imports the objects of the adoption file into the stack, each where the program declares its resource. */

import * as pulumi from "@pulumi/pulumi";
import { ClientError } from "../clients/client-error.ts";
import { type Takeover, takeover, takeoverSentences } from "../clients/kubernetes/field-ownership.ts";
import { differingImmutableFields } from "../clients/kubernetes/immutable-fields.ts";
import { deletionOf, keeperSentences, tokenSentences } from "../clients/kubernetes/other-keepers.ts";
import { type Adoption, declaredId, objectId } from "../config/adoption-file.ts";
import { type DeclaredObject, declaredParts, liveObjects, objectName } from "./live-object.ts";
import { heldObject, type ObjectsInState } from "./objects-in-state.ts";
import { runError } from "./run-error.ts";

/**
 * From here on each of the named resources is imported where the stack does not have it yet. Once it has it, the id changes
 * nothing, until the resource goes and comes back: what is named and does not exist is refused.
 * @param kubeconfig of the cluster in which the named objects are
 * @param inState what the state holds is the program's already, and is not taken over again
 * @returns tells, when everything is declared, what was named and is no resource of this program
 */
export function takeOver(
  adoption: Adoption,
  kubeconfig: string | undefined,
  inState: ObjectsInState,
): () => readonly string[] {
  const ids = new Map(adoption.map(({ type, name, id }) => [keyOf(type, name), id]));
  const met = new Set<string>();
  const take = kubeconfig === undefined ? undefined : fieldTakeover(kubeconfig);
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    const key = keyOf(type, name);
    const id = ids.get(key);
    if (id === undefined) return undefined;
    met.add(key);
    const isKubernetes = type.startsWith("kubernetes:");
    // What names an id can be replaced no more, so a resource that the state has gets none.
    const isHeld = isKubernetes && holds(inState, (props as DeclaredObject).kind, id);
    const imported = isHeld ? opts : { ...opts, import: id };
    const declared = declaredId(type, props) ?? id;
    if (declared !== id) throw otherObject(declared, id, key);
    if (take === undefined || !isKubernetes) return { props, opts: imported };
    const { metadata: given, ...rest } = props as pulumi.Unwrap<DeclaredObject>;
    // Of the metadata alone: whatever else is secret or not known yet would make the whole metadata so.
    const metadata = pulumi.output(given).apply(async (known) => {
      const object = { ...rest, metadata: known };
      const forced = withForce(known);
      if (isHeld) return forced;
      if (objectId(known.name, known.namespace) !== id) throw otherObject(objectName(object), id, key);
      await take({ ...object, ...(await declaredParts(rest)), metadata: forced });
      return forced;
    });
    return { props: { ...props, metadata }, opts: imported };
  });
  return () =>
    adoption
      .filter(({ type, name }) => !met.has(keyOf(type, name)))
      .map(
        ({ type, name, id }) =>
          `${id} (${type} ${name}) is in the adoption file, but no declared resource matches it; remove it from the adoption file`,
      );
}

function holds(inState: ObjectsInState, kind: string, id: string): boolean {
  const [name = "", namespace = ""] = id.split("/").reverse();
  return heldObject(inState, { kind, name, namespace }) !== undefined;
}

/** The engine would import the other object, and delete it to make the declared one. */
const otherObject = (declared: string, id: string, key: string) =>
  runError(
    `${declared} is declared, but the adoption file has ${id} for it (${key}). Run ./ws import again, with ` +
      "--roster and your rows, and use the adoption file that it writes",
  );

/** With this annotation an update takes fields that others own. */
export const FORCE = "pulumi.com/patchForce";

/**
 * Whoever made an object owns its fields, so a preview of its update would end as a conflict. The annotation makes it none,
 * and makes every imported object one that is updated: only an update makes the fields the program's own.
 */
const withForce = (metadata: DeclaredObject["metadata"]): DeclaredObject["metadata"] => ({
  ...metadata,
  annotations: { ...metadata.annotations, [FORCE]: "true" },
});

/** How often an object is read and written, where something else writes it in between. */
const ATTEMPTS = 3;

/**
 * Takes the declared fields from their owners before the import. A forced update alone would leave equal values to both, and
 * every later change of them would be a conflict, an offboarding too; and the plugin removes labels that `kubectl` wrote.
 */
export function fieldTakeover(kubeconfig: string): (object: DeclaredObject) => Promise<void> {
  const read = liveObjects(kubeconfig);
  return async (object) => {
    const called = objectName(object);
    for (let attempt = 1; ; attempt += 1) {
      const live = await read(object);
      if (live === undefined || live.status === 404)
        throw runError(
          `${called} is in the adoption file, and does not exist. Remove it from that file, or unset workstation:adopt where ` +
            "everything was taken over before, and deploy again",
        );
      const { status, value } = live;
      if (status === 403 && pulumi.runtime.isDryRun())
        return pulumi.log.info(
          `${called}: its owners cannot be read (status 403), so a takeover of fields is not shown`,
        );
      if (status !== 200) throw runError(`${called} cannot be read: the API server answered with status ${status}`);
      const deletion = deletionOf(value);
      if (deletion !== undefined) throw runError(`${called}: ${deletion}`);
      const found = takeoverOf(object, value);
      if (found.managedFields !== undefined && !pulumi.runtime.isDryRun()) {
        const { resourceVersion } = (value as { readonly metadata: { readonly resourceVersion: string } }).metadata;
        const written = await live.patch({ metadata: { resourceVersion, managedFields: found.managedFields } });
        if (written === 409 && attempt < ATTEMPTS) continue;
        if (written !== 200)
          throw runError(`${called}: its fields cannot be taken over: the API server answered with status ${written}`);
      }
      for (const sentence of [...keeperSentences(called, value), ...tokenSentences(object.kind, called)])
        await pulumi.log.warn(sentence);
      for (const sentence of takeoverSentences(called, found)) await pulumi.log.info(sentence);
      return;
    }
  };
}

/** @throws RunError for an object that would have to be deleted to become the declared one */
function takeoverOf(object: DeclaredObject, live: unknown): Takeover {
  const called = objectName(object);
  const immutable = differingImmutableFields(object.kind, object, live);
  if (immutable.length > 0)
    throw runError(
      `${called} cannot be adopted: its ${immutable.join(", ")} must be as the program declares it, and cannot be changed ` +
        "in place. Delete it or give it another name, then run ./ws import again",
    );
  try {
    return takeover(live, object, new Date());
  } catch (cause) {
    throw cause instanceof ClientError ? runError(`${called}: ${cause.message}`) : cause;
  }
}

const keyOf = (type: string, name: string) => `${type} ${name}`;
