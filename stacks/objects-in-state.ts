/** Reads which objects of the cluster the stack's state holds: what it does not hold, a run is about to create. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** What the state has of one object. */
export interface HeldObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** What it was declared with when it was last deployed or read; undefined where the plugin's version does not keep it. */
  readonly inputs: Readonly<Record<string, unknown>> | undefined;
}

/** By namespace, empty for what is in none: each object by {@link objectKey}. */
export type ObjectsInState = ReadonlyMap<string, ReadonlyMap<string, HeldObject>>;

/** What the engine tells of each resource of a state, by URN. */
const stateSchema = z.object({
  outputs: z.record(z.string(), z.object({ type: z.string(), outputs: z.record(z.string(), z.unknown()) })),
});

const objectSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default(""),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  __inputs: z.record(z.string(), z.unknown()).optional(),
});

/** @throws whatever the engine says when the state cannot be read: an unread state is not an empty one */
export async function objectsInState(): Promise<ObjectsInState> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const { outputs } = stateSchema.parse(
    await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName }),
  );
  const objects = new Map<string, Map<string, HeldObject>>();
  for (const { type, outputs: object } of Object.values(outputs)) {
    if (!type.startsWith("kubernetes:")) continue;
    const { apiVersion, kind, metadata, __inputs: inputs } = objectSchema.parse(object);
    const { name, namespace, annotations } = metadata;
    const inNamespace = objects.get(namespace) ?? new Map<string, HeldObject>();
    objects.set(namespace, inNamespace.set(objectKey(kind, name), { apiVersion, kind, annotations, inputs }));
  }
  return objects;
}

/** What the state has of an object, undefined where it has none; a name that is not known yet is none. */
export const heldObject = (
  inState: ObjectsInState,
  { kind, name, namespace = "" }: { readonly kind: string; readonly name: string; readonly namespace?: string },
): HeldObject | undefined => inState.get(namespace)?.get(objectKey(kind, name));

export const objectKey = (kind: string, name: string): string => `${kind} ${name}`;
