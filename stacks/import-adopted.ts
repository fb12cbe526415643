/** Imports the objects of the adoption file into the stack, each where the program declares its resource. */

import * as pulumi from "@pulumi/pulumi";
import type { Adoption } from "../config/adoption-file.ts";

/**
 * From here on each of the named resources is imported where the stack does not have it yet. Once it has it, the id
 * changes nothing, so the setting may stay for a while.
 * @returns tells, when everything is declared, what was named and is no resource of this program
 */
export function takeOver(adoption: Adoption): () => readonly string[] {
  const ids = new Map(adoption.map(({ type, name, id }) => [keyOf(type, name), id]));
  const met = new Set<string>();
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    // Whoever made the objects owns their fields in the cluster; what the preview says would else end as a conflict.
    if (type === CLUSTER_TYPE) return { props: { ...props, enablePatchForce: "true" }, opts };
    const key = keyOf(type, name);
    const id = ids.get(key);
    if (id === undefined) return undefined;
    met.add(key);
    return { props, opts: { ...opts, import: id } };
  });
  return () =>
    adoption
      .filter(({ type, name }) => !met.has(keyOf(type, name)))
      .map(
        ({ type, name, id }) =>
          `${id} (${type} ${name}) is in the adoption file, but no declared resource matches it; remove it from the adoption file`,
      );
}

const CLUSTER_TYPE = "pulumi:providers:kubernetes";

const keyOf = (type: string, name: string) => `${type} ${name}`;
