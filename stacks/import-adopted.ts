/** Imports the objects of the adoption file into the stack, each where the program declares its resource. */

import * as pulumi from "@pulumi/pulumi";
import { takeover, takeoverSentences } from "../clients/kubernetes/field-ownership.ts";
import { deletionOf, keeperSentences } from "../clients/kubernetes/other-keepers.ts";
import type { Adoption } from "../config/adoption-file.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";
import { runError } from "./run-error.ts";

/**
 * From here on each of the named resources is imported where the stack does not have it yet. Once it has it, the id
 * changes nothing, so the setting may stay for a while.
 * @param kubeconfig of the cluster in which the named objects are
 * @returns tells, when everything is declared, what was named and is no resource of this program
 */
export function takeOver(adoption: Adoption, kubeconfig: string | undefined): () => readonly string[] {
  const ids = new Map(adoption.map(({ type, name, id }) => [keyOf(type, name), id]));
  const met = new Set<string>();
  const take = kubeconfig === undefined ? undefined : fieldTakeover(kubeconfig);
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    const key = keyOf(type, name);
    const id = ids.get(key);
    if (id === undefined) return undefined;
    met.add(key);
    const imported = { ...opts, import: id };
    if (take === undefined || !type.startsWith("kubernetes:")) return { props, opts: imported };
    const metadata = pulumi.output(props as pulumi.Input<DeclaredObject>).apply(async (object) => {
      const forced = withForce(object);
      await take(forced);
      return forced.metadata;
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

const FORCE = "pulumi.com/patchForce";

/**
 * Whoever made an object owns its fields, so a preview of its update would end as a conflict. The annotation makes it none,
 * and makes every imported object one that is updated: only an update makes the fields the program's own.
 */
const withForce = ({ metadata, ...object }: DeclaredObject): DeclaredObject => ({
  ...object,
  metadata: { ...metadata, annotations: { ...metadata.annotations, [FORCE]: "true" } },
});

/**
 * Takes the declared fields from their owners before the import. A forced update alone would leave equal values to both, and
 * every later change of them would be a conflict, an offboarding too; and the plugin removes labels that `kubectl` wrote.
 */
function fieldTakeover(kubeconfig: string): (object: DeclaredObject) => Promise<void> {
  const read = liveObjects(kubeconfig);
  return async (object) => {
    const called = objectName(object);
    const live = await read(object);
    if (live === undefined || live.status === 404) return;
    const { status, value } = live;
    if (status === 403 && pulumi.runtime.isDryRun())
      return pulumi.log.info(`${called}: its owners cannot be read (status 403), so a takeover of fields is not shown`);
    if (status !== 200) throw runError(`${called} cannot be read: the API server answered with status ${status}`);
    const deletion = deletionOf(value, FORCE);
    if (deletion !== undefined) throw runError(`${called}: ${deletion}`);
    for (const sentence of keeperSentences(called, value)) await pulumi.log.warn(sentence);
    const found = takeover(value, object, { now: new Date(), field: ["f:metadata", "f:annotations", `f:${FORCE}`] });
    for (const sentence of takeoverSentences(called, found)) await pulumi.log.info(sentence);
    if (found.managedFields === undefined || pulumi.runtime.isDryRun()) return;
    const { resourceVersion } = (value as { readonly metadata: { readonly resourceVersion: string } }).metadata;
    const written = await live.patch({ metadata: { resourceVersion, managedFields: found.managedFields } });
    if (written !== 200)
      throw runError(`${called}: its fields cannot be taken over: the API server answered with status ${written}`);
  };
}

const keyOf = (type: string, name: string) => `${type} ${name}`;
