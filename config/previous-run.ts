/** Defines the stack outputs by which a run passes its ledger on to the next one. */

import { z } from "zod";
import { Refusal } from "./refusal.ts";

/** Name of the stack output that holds the ledger. */
export const LEDGER_OUTPUT = "ledger";

/** Name of the stack output that holds the version of the user map that the last run went by. */
export const USER_MAP_VERSION_OUTPUT = "userMapVersion";

/** Name of the stack output that holds what surfaces may hold beside the ledger: see `roster/undelivered-changes.ts`. */
export const UNDELIVERED_OUTPUT = "undelivered";

/** Name of the stack output that lists the services of people that the last run offered: keys of `devvm.commands`. */
export const SERVICES_OUTPUT = "services";

/** Name of the stack output that lists the namespaces whose bindings of an earlier version may still admit accounts. */
export const FORMER_BINDINGS_OUTPUT = "formerBindings";

export interface PreviousRun {
  /** The ledger as the last run wrote it; undefined for a stack that never ran. */
  readonly ledger: unknown;
  /** What the last run left undelivered; undefined where a version wrote the outputs that did not record it. */
  readonly undelivered?: unknown;
  readonly userMapVersion?: number;
  /** Undefined for a stack that never ran, and where a version wrote the outputs that did not list them. */
  readonly services?: readonly string[];
  /** Undefined for a stack that never ran, and where a version wrote the outputs that still makes those bindings. */
  readonly formerBindings?: readonly string[];
}

/**
 * @param output the stack's outputs by name, undefined where there is none
 * @throws Refusal for an output of another form
 */
export function previousRunFrom(output: (name: string) => unknown): PreviousRun {
  const read = <T>(name: string, form: z.ZodType<T>): T | undefined => {
    const parsed = form.optional().safeParse(output(name));
    if (parsed.success) return parsed.data;
    throw new Refusal(
      `The stack's output ${name} has a form that this version does not know: a newer one has deployed the stack. Use that one.`,
    );
  };
  const version = read(USER_MAP_VERSION_OUTPUT, z.int());
  const services = read(SERVICES_OUTPUT, z.array(z.string()));
  const formerBindings = read(FORMER_BINDINGS_OUTPUT, z.array(z.string()));
  const inputs = { ledger: output(LEDGER_OUTPUT), undelivered: output(UNDELIVERED_OUTPUT) };
  return {
    ...inputs,
    ...(version === undefined ? {} : { userMapVersion: version }),
    ...(services === undefined ? {} : { services }),
    ...(formerBindings === undefined ? {} : { formerBindings }),
  };
}
