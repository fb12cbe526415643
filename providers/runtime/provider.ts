/** Defines what the runtime requires of a provider: its name, its configuration, and its resources by type. */
import type { Differences } from "./differences.ts";
import type { PropertyMap } from "./property-values.ts";

/** Where a resource's sentences for the operator go: the engine shows them beside the resource. */
export interface Log {
  readonly debug: (message: string) => void;
  readonly info: (message: string) => void;
  readonly warning: (message: string) => void;
  /** Shown while it is the latest line, and not kept. */
  readonly progress: (message: string) => void;
}

/** What every step knows about the call that it serves. */
export interface Call {
  readonly urn: string;
  /** The resource's logical name and its type token. */
  readonly name: string;
  readonly type: string;
  /** Fires when the operator cancels, the engine is gone, or the time is up. Long work has to listen. */
  readonly signal: AbortSignal;
  /** The time limit that the program set for this step (`customTimeouts`), if any. */
  readonly timeoutMs: number | undefined;
  readonly log: Log;
}

/** One input that is not acceptable, and why. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** The inputs to go on with, or what is wrong with them. */
export interface Checked {
  readonly inputs: PropertyMap;
  readonly failures: readonly CheckFailure[];
}

/** How the engine wants names to be made where the program gives none. */
export interface Autonaming {
  readonly mode: "propose" | "enforce" | "disable";
  readonly proposedName: string;
}

export interface CheckArgs {
  /** Undefined for a resource that does not exist yet. */
  readonly oldInputs: PropertyMap | undefined;
  readonly inputs: PropertyMap;
  /** The same in a preview and the update that follows it; for names that must not change between. */
  readonly randomSeed: Uint8Array;
  readonly autonaming: Autonaming | undefined;
}

export interface DiffArgs {
  readonly id: string;
  readonly state: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly inputs: PropertyMap;
  readonly ignoreChanges: readonly string[];
}

export interface CreateArgs {
  readonly inputs: PropertyMap;
  readonly preview: boolean;
}

/** What a creation ends with. In a preview the id may be empty and the state may hold unknowns. */
export interface Created {
  readonly id: string;
  readonly state: PropertyMap;
}

export interface UpdateArgs {
  readonly id: string;
  readonly state: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly inputs: PropertyMap;
  readonly ignoreChanges: readonly string[];
  readonly preview: boolean;
}

export interface ReadArgs {
  readonly id: string;
  /** Both are empty in an import or a `get`. */
  readonly state: PropertyMap;
  readonly inputs: PropertyMap;
}

/** What was found. `undefined` instead of this means that the object is gone, and only that: a failed read throws. */
export interface Found {
  readonly id: string;
  readonly state: PropertyMap;
  readonly inputs: PropertyMap;
}

export interface DeleteArgs {
  readonly id: string;
  readonly state: PropertyMap;
  readonly oldInputs: PropertyMap;
}

/** One resource type, in terms of the wire. `typed-resource.ts` builds one from code that sees plain, parsed values only. */
export interface Resource {
  readonly check?: (args: CheckArgs, call: Call) => Promise<Checked>;
  readonly diff: (args: DiffArgs, call: Call) => Promise<Differences>;
  readonly create: (args: CreateArgs, call: Call) => Promise<Created>;
  readonly read?: (args: ReadArgs, call: Call) => Promise<Found | undefined>;
  /** Without it every difference must be a replacement. */
  readonly update?: (args: UpdateArgs, call: Call) => Promise<PropertyMap>;
  readonly delete: (args: DeleteArgs, call: Call) => Promise<void>;
}

/** A whole plugin. */
export interface Provider {
  readonly name: string;
  /** Without a leading `v`. */
  readonly version: string;
  /** Checks the provider's own configuration; values may be unknown in a preview, and may be secret. */
  readonly checkConfig?: (args: { readonly inputs: PropertyMap }) => Promise<Checked>;
  /** Names of configuration properties whose change means another target, so that everything has to be replaced. */
  readonly replacingConfig?: readonly string[];
  /** Called once, before any resource. A throw ends the update. */
  readonly configure?: (config: PropertyMap, log: Log) => Promise<void>;
  /** The resource type, or undefined if this provider has none of that name. May throw to say more. */
  readonly resource: (type: string) => Resource | undefined;
  /** A function call of the program. */
  readonly invoke?: (token: string, args: PropertyMap, call: Call) => Promise<PropertyMap>;
}
