/**
 * Builds a resource from functions on plain, parsed values; it handles secrets, unknowns, previews and field-level
 * diffs.
 */
import type { Change, Differences } from "./differences.ts";
import { compare, pathText } from "./differences.ts";
import { PartialFailure, ProviderError } from "./errors.ts";
import type { Call, CheckFailure, Resource } from "./provider.ts";
import { hasSecret, hasUnknown, isMap, mapValues, revealMap, Secret, secretAs, UNKNOWN } from "./property-values.ts";
import type { PropertyMap, PropertyValue } from "./property-values.ts";

/** Inputs that were parsed, or everything that is wrong with them. */
export type Parsed<Want> =
  | { readonly ok: true; readonly want: Want }
  | { readonly ok: false; readonly failures: readonly CheckFailure[] };

/**
 * A resource type. `Want` is what the program asks for, `Have` what the state remembers: the wanted fields as the
 * server has them, and what only the server knows. Both are plain data: no secrets, no unknowns.
 */
export interface TypedResource<Want extends PropertyMap, Have extends PropertyMap> {
  /** Inputs to a `Want`; called only when everything is known. */
  readonly parse: (inputs: PropertyMap) => Parsed<Want>;
  /** A stored state to a `Have`. The state is ours: a mismatch is an error, not an operator's mistake. */
  readonly remember: (state: PropertyMap) => Have;
  /** Fields of `Have` that are always secret. Others are secret when their input was. */
  readonly secrets: readonly (keyof Have & string)[];
  /** Fields of `Have` that only the server knows: unknown in the preview of a creation. */
  readonly computed: readonly (keyof Have & string)[];
  /** Fields of `Want` whose change needs a new object. */
  readonly replaceOn: readonly (keyof Want & string)[];
  /** Whether the old object has to go before its replacement comes, as both would have the same name. */
  readonly deleteBeforeReplace?: boolean;
  /** Names of fields in which what is there differs from what is wanted; all that are not deeply equal by default. */
  readonly differences?: (have: Have, want: Want) => readonly (keyof Want & string)[];
  readonly create: (want: Want, call: Call) => Promise<{ readonly id: string; readonly have: Have }>;
  /** Undefined when the object is gone; throws when that cannot be told. `want` are the inputs that an import starts with. */
  readonly read?: (
    id: string,
    have: Have | undefined,
    call: Call,
  ) => Promise<{ readonly have: Have; readonly want: Want } | undefined>;
  /** Without it every change is a replacement. */
  readonly update?: (id: string, have: Have, want: Want, call: Call) => Promise<Have>;
  readonly delete: (id: string, have: Have, call: Call) => Promise<void>;
}

/** The resource as the runtime serves it. */
export function typedResource<Want extends PropertyMap, Have extends PropertyMap>(
  type: TypedResource<Want, Have>,
): Resource {
  const stateOf = (have: Have, inputs: PropertyMap): PropertyMap => secretState(type.secrets, have, inputs);
  const { update, read } = type;
  return {
    check: async ({ inputs }) => {
      if (hasUnknown(inputs)) return { inputs, failures: [] };
      const parsed = type.parse(revealMap(inputs));
      if (!parsed.ok) return { inputs, failures: parsed.failures };
      return { inputs: mapValues(parsed.want, (value, name) => secretAs(value, inputs[name])), failures: [] };
    },
    diff: async ({ state, oldInputs, inputs }) => diff(type, state, oldInputs, inputs),
    create: async ({ inputs, preview }, call) => {
      if (preview) return { id: "", state: { ...inputs, ...unknowns(type.computed) } };
      const { id, have } = await withState(stateOf, inputs, () => type.create(wanted(type, inputs), call));
      return { id, state: stateOf(have, inputs) };
    },
    ...(read !== undefined && {
      read: async ({ id, state, inputs }, call) => {
        const have = Object.keys(state).length === 0 ? undefined : type.remember(revealMap(state));
        const found = await read(id, have, call);
        if (found === undefined) return undefined;
        const model = Object.keys(inputs).length === 0 ? state : inputs;
        return { id, state: stateOf(found.have, model), inputs: secretState(type.secrets, found.want, model) };
      },
    }),
    ...(update !== undefined && {
      update: async ({ id, state, inputs, preview }, call) => {
        if (preview) return { ...state, ...inputs };
        const have = type.remember(revealMap(state));
        return stateOf(await update(id, have, wanted(type, inputs), call), inputs);
      },
    }),
    delete: async ({ id, state }, call) => type.delete(id, type.remember(revealMap(state)), call),
  };
}

function diff<Want extends PropertyMap, Have extends PropertyMap>(
  type: TypedResource<Want, Have>,
  state: PropertyMap,
  oldInputs: PropertyMap,
  inputs: PropertyMap,
): Differences {
  const fields = changedFields(type, state, inputs);
  const before = mapValues(inputs, (_, name) => state[name] ?? null);
  const changes = compare(before, inputs).flatMap(({ path, kind }): readonly Change[] => {
    const field = String(path[0]);
    if (!fields.includes(field)) return [];
    const replaces = type.update === undefined || type.replaceOn.includes(field);
    const inputDiff = compare({ value: oldInputs[field] ?? null }, { value: inputs[field] ?? null }).length > 0;
    return [{ path: pathText(path), kind, replaces, inputDiff }];
  });
  const shown = new Set(changes.map((change) => change.path.split(/[.[]/)[0]));
  // A field that the type calls different although its parts look equal still has to be shown.
  const hidden = fields
    .filter((field) => !shown.has(field))
    .map((field): Change => {
      const replaces = type.update === undefined || type.replaceOn.includes(field);
      return { path: field, kind: "update", replaces, inputDiff: false };
    });
  return { changes: [...changes, ...hidden], deleteBeforeReplace: type.deleteBeforeReplace ?? false };
}

function changedFields<Want extends PropertyMap, Have extends PropertyMap>(
  type: TypedResource<Want, Have>,
  state: PropertyMap,
  inputs: PropertyMap,
): readonly string[] {
  if (type.differences !== undefined && !hasUnknown(inputs)) {
    return type.differences(type.remember(revealMap(state)), wanted(type, inputs));
  }
  return Object.keys(inputs).filter(
    (name) => compare({ v: state[name] ?? null }, { v: inputs[name] ?? null }).length > 0,
  );
}

/** Inputs were checked before; here they can only be bad if someone edited the state by hand. */
function wanted<Want extends PropertyMap, Have extends PropertyMap>(
  type: TypedResource<Want, Have>,
  inputs: PropertyMap,
): Want {
  const parsed = type.parse(revealMap(inputs));
  if (parsed.ok) return parsed.want;
  throw new ProviderError(parsed.failures.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
}

async function withState<Have extends PropertyMap, T>(
  stateOf: (have: Have, inputs: PropertyMap) => PropertyMap,
  inputs: PropertyMap,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PartialFailure)) throw error;
    // A half-made object knows its plain state only: mark here what has to stay secret.
    throw new PartialFailure({
      id: error.id,
      state: stateOf(error.state as Have, inputs),
      inputs,
      reasons: error.reasons,
    });
  }
}

function secretState(secrets: readonly string[], plain: PropertyMap, model: PropertyMap): PropertyMap {
  return mapValues(plain, (value: PropertyValue, name) => {
    if (secrets.includes(name)) return new Secret(value);
    const like = model[name];
    // Where the shape changed under way, secrecy is kept for the whole field rather than lost.
    return isMap(like) || !hasSecret(like) ? secretAs(value, like) : new Secret(value);
  });
}

const unknowns = (names: readonly string[]): PropertyMap => Object.fromEntries(names.map((name) => [name, UNKNOWN]));
