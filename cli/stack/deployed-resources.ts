/** Reads the resources of the last deployments from the engine's exported state. */

import { z } from "zod";
import { Refusal } from "../../config/refusal.ts";

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

/** @throws Refusal for what is no state of the engine */
export function readState(exported: unknown): DeployedState {
  const { deployment } = inForm(stateForm, exported);
  const made = (deployment?.resources ?? [])
    .filter(({ custom, delete: goes, type }) => custom && !goes && !type.startsWith("pulumi:"))
    .map(({ urn, type, id, inputs, outputs, modified }): DeployedResource => {
      return { type, name: nameIn(urn), id, inputs, outputs, modifiedAt: modified };
    });
  const interrupted = (deployment?.pending_operations ?? []).map(({ resource: { urn } }) => nameIn(urn));
  return { resources: new Map(made.map((one) => [keyOf(one), one])), interrupted };
}

/**
 * What a schema takes from the engine's exported state.
 * @throws Refusal for what does not fit it
 */
export function inForm<Form extends z.ZodType>(form: Form, exported: unknown): z.output<Form> {
  const state = form.safeParse(exported);
  if (!state.success) throw new Refusal(UNKNOWN_STATE);
  return state.data;
}

const UNKNOWN_STATE =
  "`pulumi stack export` answered in a form that this program does not know; does `pulumi version` say v3?";

/** The name of a resource in the program, by its URN. */
export const nameIn = (urn: string): string => urn.split("::").slice(3).join("::");
