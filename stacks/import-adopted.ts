/** Imports the objects of the adoption file into the stack, each where the program declares its resource. */

import * as pulumi from "@pulumi/pulumi";
import { takeover, takeoverSentences } from "../clients/kubernetes/field-ownership.ts";
import type { Adoption } from "../config/adoption-file.ts";
import { type DeclaredObject, liveObjects, objectName } from "./live-object.ts";

/**
 * From here on each of the named resources is imported where the stack does not have it yet. Once it has it, the id
 * changes nothing, so the setting may stay for a while.
 * @param kubeconfig of the cluster in which the named objects are
 * @returns tells, when everything is declared, what was named and is no resource of this program
 */
export function takeOver(adoption: Adoption, kubeconfig: string | undefined): () => readonly string[] {
  const ids = new Map(adoption.map(({ type, name, id }) => [keyOf(type, name), id]));
  const met = new Set<string>();
  const hook = kubeconfig === undefined ? undefined : fieldTakeover(kubeconfig);
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    const key = keyOf(type, name);
    const id = ids.get(key);
    if (id === undefined) return undefined;
    met.add(key);
    const imported = { ...opts, import: id };
    if (hook === undefined || !type.startsWith("kubernetes:")) return { props, opts: imported };
    const hooks = { ...opts.hooks, beforeUpdate: [...(opts.hooks?.beforeUpdate ?? []), hook] };
    return { props: { ...props, metadata: forced(props.metadata) }, opts: { ...imported, hooks } };
  });
  return () =>
    adoption
      .filter(({ type, name }) => !met.has(keyOf(type, name)))
      .map(
        ({ type, name, id }) =>
          `${id} (${type} ${name}) is in the adoption file, but no declared resource matches it; remove it from the adoption file`,
      );
}

/**
 * Whoever made an object owns its fields, so a preview of its update would end as a conflict. The annotation makes it none,
 * and makes every imported object one that is updated: only an update makes the fields the program's own.
 */
const forced = (metadata: pulumi.Input<Metadata> | undefined): pulumi.Output<Metadata> =>
  pulumi.output(metadata).apply((given) => ({
    ...given,
    annotations: { ...given?.annotations, "pulumi.com/patchForce": "true" },
  }));

interface Metadata {
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Takes the declared fields from their owners before the update. A forced update alone would leave equal values to both, and
 * every later change of them would be a conflict, an offboarding too; and the plugin removes labels that `kubectl` wrote.
 */
function fieldTakeover(kubeconfig: string): pulumi.ResourceHook {
  const read = liveObjects(kubeconfig);
  const take = async ({ newInputs, oldOutputs }: pulumi.ResourceHookArgs) => {
    const object = newInputs as unknown as DeclaredObject;
    const called = objectName(object);
    const live = await read(object);
    if (live === undefined) return;
    const { status, value } = live;
    if (status === 403 && pulumi.runtime.isDryRun())
      return pulumi.log.info(`${called}: its owners cannot be read (status 403), so a takeover of fields is not shown`);
    if (status !== 200) throw new Error(`${called} cannot be read: the API server answered with status ${status}`);
    const own = (oldOutputs as { readonly __fieldManager?: string } | undefined)?.__fieldManager;
    const found = takeover(value, object, { now: new Date(), ...(own === undefined ? {} : { own }) });
    for (const sentence of takeoverSentences(called, found)) await pulumi.log.info(sentence);
    if (found.managedFields === undefined || pulumi.runtime.isDryRun()) return;
    const { resourceVersion } = (value as { readonly metadata: { readonly resourceVersion: string } }).metadata;
    const written = await live.patch({ metadata: { resourceVersion, managedFields: found.managedFields } });
    if (written !== 200)
      throw new Error(`${called}: its fields cannot be taken over: the API server answered with status ${written}`);
  };
  return new pulumi.ResourceHook("take-over-fields", take, { onDryRun: true });
}

const keyOf = (type: string, name: string) => `${type} ${name}`;
