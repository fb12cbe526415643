/** Compares former and present inputs field by field, in the form that the engine shows. */
import { isList, isMap, same, Secret } from "./property-values.ts";
import type { PropertyMap, PropertyValue } from "./property-values.ts";

/** What happened to one field. */
export type ChangeKind = "add" | "delete" | "update";

/** One changed field. */
export interface Change {
  /** The engine's property path: `spec.ports[0].name`, `metadata.labels["a.b/c"]`. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** Whether the change cannot be made in place. */
  readonly replaces: boolean;
  /** True if the program's inputs differ; false if only the real object does (drift). */
  readonly inputDiff: boolean;
}

/** The whole answer to "what would an update change". */
export interface Differences {
  readonly changes: readonly Change[];
  /** The old object has to go first: the new one needs the same name. */
  readonly deleteBeforeReplace?: boolean;
  /** Something has to be done although no field differs. */
  readonly force?: boolean;
}

/** Where a value stands: names and indices from the top. */
export type Path = readonly (string | number)[];

/** A difference before anyone decided what it means. */
export interface RawChange {
  readonly path: Path;
  readonly kind: ChangeKind;
}

/**
 * All fields in which two maps differ, maps and lists followed to their leaves. A null and a missing field are equal.
 * `equal` may find more pairs equal than {@link same} does, for a server that rewrites values.
 */
export function compare(
  before: PropertyMap,
  after: PropertyMap,
  equal: (a: PropertyValue | undefined, b: PropertyValue | undefined, path: Path) => boolean = same,
): readonly RawChange[] {
  return compareAt(before, after, [], equal);
}

/** The path as the engine writes it. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Whether a path lies at or below one that the program wants ignored. */
export function isIgnored(path: string, ignoreChanges: readonly string[]): boolean {
  return ignoreChanges.some(
    (ignored) => path === ignored || (path.startsWith(ignored) && ".[".includes(path[ignored.length] ?? "")),
  );
}

function compareAt(
  before: PropertyValue | undefined,
  after: PropertyValue | undefined,
  path: Path,
  equal: (a: PropertyValue | undefined, b: PropertyValue | undefined, path: Path) => boolean,
): readonly RawChange[] {
  if (before instanceof Secret) return compareAt(before.value, after, path, equal);
  if (after instanceof Secret) return compareAt(before, after.value, path, equal);
  if (equal(before, after, path)) return [];
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => compareAt(before[name], after[name], [...path, name], equal));
  }
  if (isList(before) && isList(after)) {
    const indices = Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i);
    return indices.flatMap((i) => compareAt(before[i], after[i], [...path, i], equal));
  }
  return [{ path, kind: kindOf(before, after) }];
}

function kindOf(before: PropertyValue | undefined, after: PropertyValue | undefined): ChangeKind {
  if (isNothing(before)) return "add";
  return isNothing(after) ? "delete" : "update";
}

const isNothing = (value: PropertyValue | undefined): boolean => value === undefined || value === null;
