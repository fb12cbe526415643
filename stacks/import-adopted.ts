/** Imports the objects of the adoption file into the stack, each where the program declares its resource. */

import * as pulumi from "@pulumi/pulumi";
import { openKubernetes } from "../clients/kubernetes/client.ts";
import { takeover, takeoverSentences } from "../clients/kubernetes/field-ownership.ts";
import { kindLookup, objectPath } from "../clients/kubernetes/resource-path.ts";
import type { Adoption } from "../config/adoption-file.ts";

/**
 * From here on each of the named resources is imported where the stack does not have it yet. Once it has it, the id
 * changes nothing, so the setting may stay for a while.
 * @param kubeconfig of the cluster in which the named objects are
 * @returns tells, when everything is declared, what was named and is no resource of this program
 */
export function takeOver(adoption: Adoption, kubeconfig: string | undefined): () => readonly string[] {
  const ids = new Map(adoption.map(({ type, name, id }) => [keyOf(type, name), id]));
  const met = new Set<string>();
  const hook = kubeconfig === undefined ? undefined : fieldTakeover(kubeconfig, ids);
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
function fieldTakeover(kubeconfig: string, ids: ReadonlyMap<string, string>): pulumi.ResourceHook {
  const call = openKubernetes(kubeconfig);
  const kinds = kindLookup(call);
  const take = async ({ type, name, newInputs, oldOutputs }: pulumi.ResourceHookArgs) => {
    const { apiVersion, kind } = newInputs as { readonly apiVersion: string; readonly kind: string };
    const id = ids.get(keyOf(type, name)) ?? "";
    const [objectName = "", namespace] = id.split("/").reverse();
    const resource = await kinds(apiVersion, kind);
    if (resource === undefined) return;
    const path = objectPath(apiVersion, resource.name, objectName, namespace);
    const { status, value } = await call("GET", path);
    if (status === 403 && pulumi.runtime.isDryRun()) {
      await pulumi.log.info(
        `${kind} ${id}: its owners cannot be read (status 403), so what is taken from whom is not shown`,
      );
      return;
    }
    if (status !== 200) throw new Error(`${kind} ${id}: the API server answered ${path} with status ${status}`);
    const own = (oldOutputs as { readonly __fieldManager?: string } | undefined)?.__fieldManager;
    const found = takeover(value, newInputs ?? {}, { now: new Date(), ...(own === undefined ? {} : { own }) });
    for (const sentence of takeoverSentences(`${kind} ${id}`, found)) await pulumi.log.info(sentence);
    if (found.managedFields === undefined || pulumi.runtime.isDryRun()) return;
    const { resourceVersion } = (value as { readonly metadata: { readonly resourceVersion: string } }).metadata;
    const body = { metadata: { resourceVersion, managedFields: found.managedFields } };
    const written = await call("PATCH", path, body);
    if (written.status !== 200)
      throw new Error(
        `${kind} ${id}: its fields could not be taken over: the API server answered with status ${written.status}`,
      );
  };
  return new pulumi.ResourceHook("take-over-fields", take, { onDryRun: true });
}

const keyOf = (type: string, name: string) => `${type} ${name}`;
