/** Reads the resources of the last deployments from the engine's exported state. */

import { z } from "zod";

const resource = z.object({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().default(false),
  /** Being deleted: a replacement is under way or was interrupted. */
  delete: z.boolean().default(false),
  id: z.string().default(""),
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).default({}),
  modified: z.iso.datetime({ offset: true }).optional(),
});

const stateForm = z.object({
  deployment: z
    .object({
      resources: z.array(resource).nullish(),
      pending_operations: z.array(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) })).nullish(),
    })
    .nullish(),
});

/** One resource that a plugin brought about. Secrets in it are the engine's ciphertext. */
export interface DeployedResource {
  readonly type: string;
  /** Its name in the program. */
  readonly name: string;
  readonly id: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly modifiedAt: string | undefined;
}

export interface DeployedState {
  /** By `keyOf`. */
  readonly resources: ReadonlyMap<string, DeployedResource>;
  /** Names of resources at which the last run was interrupted. */
  readonly interrupted: readonly string[];
}

/** The same resource has the same key in the program and in the state. */
export const keyOf = ({ type, name }: { readonly type: string; readonly name: string }): string => `${type}::${name}`;

/** @throws ZodError for what is no state of the engine */
export function readState(exported: unknown): DeployedState {
  const { deployment } = stateForm.parse(exported);
  const made = (deployment?.resources ?? [])
    .filter(({ custom, delete: goes, type }) => custom && !goes && !type.startsWith("pulumi:"))
    .map(({ urn, type, id, inputs, outputs, modified }): DeployedResource => {
      return { type, name: nameIn(urn), id, inputs, outputs, modifiedAt: modified };
    });
  const interrupted = (deployment?.pending_operations ?? []).map(({ resource: { urn } }) => nameIn(urn));
  return { resources: new Map(made.map((one) => [keyOf(one), one])), interrupted };
}

/** The name of a resource in the program, by its URN. */
export const nameIn = (urn: string): string => urn.split("::").slice(3).join("::");
