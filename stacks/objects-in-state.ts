/** Reads which objects of the cluster the stack's state holds: what it does not hold, a run is about to create. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** By namespace, empty for what is in none: each object as `ResourceQuota quota`. */
export type ObjectsInState = ReadonlyMap<string, ReadonlySet<string>>;

/** What the engine tells of each resource of a state, by URN. */
const stateSchema = z.object({
  outputs: z.record(z.string(), z.object({ type: z.string(), outputs: z.record(z.string(), z.unknown()) })),
});

const objectSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().default("") }),
});

/** @throws whatever the engine says when the state cannot be read: an unread state is not an empty one */
export async function objectsInState(): Promise<ObjectsInState> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const { outputs } = stateSchema.parse(
    await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName }),
  );
  const objects = new Map<string, Set<string>>();
  for (const { type, outputs: object } of Object.values(outputs)) {
    if (!type.startsWith("kubernetes:")) continue;
    const { kind, metadata } = objectSchema.parse(object);
    objects.set(metadata.namespace, (objects.get(metadata.namespace) ?? new Set()).add(objectKey(kind, metadata.name)));
  }
  return objects;
}

export const objectKey = (kind: string, name: string): string => `${kind} ${name}`;
