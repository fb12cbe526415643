/** Tracks which surfaces this run has completed, and rewrites the stack's output `undelivered` after each of them. */

import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { UNDELIVERED_OUTPUT } from "../config/previous-run.ts";
import {
  onSurfaces,
  type Surface,
  type Undelivered,
  withoutSurface,
  writeUndelivered,
} from "../roster/undelivered-changes.ts";
import { keepWhateverFails } from "./stack-outputs.ts";

export interface SurfaceTracker {
  /** Every resource of the surface is declared: from here on the engine's answers decide. */
  declared(surface: Surface): void;
  /** Resolves to the record of this run once every surface of the stack is complete; never where a resource fails. */
  readonly undelivered: Promise<string>;
}

/**
 * Registers the outputs at once, so that they stay whatever fails, and again for every surface that is complete. It has to
 * be called before the first resource is declared.
 * @param surfaces of the stack; the record of others waits for a later run
 * @param outputs of the stack, without the record
 */
export function trackSurfaces(
  undelivered: Undelivered,
  surfaces: readonly Surface[],
  outputs: Readonly<Record<string, unknown>>,
): SurfaceTracker {
  const declared = new Map<Surface, pulumi.Resource[]>();
  pulumi.runtime.registerStackTransformation(({ type, name, resource }) => {
    const surface = surfaceOf(type, name);
    if (surface === undefined) return undefined;
    const found = declared.get(surface) ?? [];
    found.push(resource);
    declared.set(surface, found);
    return undefined;
  });
  let finish: (record: string) => void = () => undefined;
  const complete = new Promise<string>((resolve) => {
    finish = resolve;
  });
  let record = undelivered;
  let last = record;
  const isPending = () => onSurfaces(record, surfaces).size > 0;
  let written = register(record, outputs, isPending());
  const write = () => {
    // The last record goes with the program's own outputs.
    if (!isPending()) return finish(writeUndelivered(record));
    if (record === last) return undefined;
    last = record;
    return register(record, outputs, true);
  };
  const leave = (surface: Surface): void => {
    record = withoutSurface(record, surface);
    written = written.then(write);
  };
  if (!isPending()) written = written.then(write);
  return {
    declared: (surface) => {
      if (record.has(surface)) void answered(declared.get(surface) ?? []).then(() => leave(surface));
    },
    undelivered: complete,
  };
}

/** The engine acknowledges nothing, and takes two registrations of one moment in any order. */
async function register(
  record: Undelivered,
  outputs: Readonly<Record<string, unknown>>,
  isPending: boolean,
): Promise<void> {
  keepWhateverFails({ ...outputs, [UNDELIVERED_OUTPUT]: writeUndelivered(record) });
  if (isPending) await sleep(PAUSE_MS);
}

const PAUSE_MS = 200;

/** The engine answers for a resource when it is as declared, and not at all where that failed. */
const answered = (resources: readonly pulumi.Resource[]): Promise<unknown> =>
  Promise.all(resources.map(({ urn }) => new Promise<void>((resolve) => urn.apply(() => resolve()))));

/**
 * The surface of one resource; undefined for the stack itself, connections, components and a host's earlier commands.
 * @throws Error for a type of no known surface: its surface would count as complete without it
 */
export function surfaceOf(type: string, name: string): Surface | undefined {
  const [pkg = ""] = type.split(":");
  if (pkg === "pulumi" || pkg === "workstation") return undefined;
  if (pkg === "forgejo") return "forge";
  if (pkg === "kubernetes" || pkg === "plantedrights") return "cluster";
  if (pkg === "vault" || pkg === "vaultpeople") return "Vault";
  if (pkg !== "command") throw new Error(`${type} ${name} belongs to no surface: extend stacks/track-surfaces.ts`);
  if (name.startsWith(SIGN_IN)) return "cluster";
  // A host's last command comes after all its others, and fails while one person's fails.
  return name.endsWith(SETTLE) ? `host ${name.slice(0, -SETTLE.length)}` : undefined;
}

const SETTLE = "-settle";
const SIGN_IN = "api-server-sign-in-";
