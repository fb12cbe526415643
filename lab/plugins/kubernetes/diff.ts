/** Computes field by field what an update would change: the object as last read against the desired one. */
import type { Change, Differences, Path } from "../../../providers/runtime/differences.ts";
import { compare, isIgnored, pathText } from "../../../providers/runtime/differences.ts";
import type { DiffArgs } from "../../../providers/runtime/provider.ts";
import { isMap, revealMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { Config } from "./config.ts";
import { replacesAt } from "./immutable.ts";
import { annotation, put, textAt } from "./objects.ts";
import { gvkOfObject } from "./session.ts";
import { equal, normal, pruned } from "./normalize.ts";
import { liveOf } from "./state.ts";

/** The live object counts only where the old inputs spoke: what the server or others add is not ours to take away. */
export function diff(args: DiffArgs, namespaced: boolean, config: Config): Differences {
  const oldInputs = normal(args.oldInputs);
  const seen = pruned(normal(liveOf(args.state)), oldInputs);
  const before = canonical(isMap(seen) ? seen : {}, namespaced);
  const after = canonical(normal(args.inputs), namespaced);
  const changedPaths = new Set(
    compare(canonical(oldInputs, namespaced), after, equal).map(({ path }) => pathText(path)),
  );
  const gvk = gvkOfObject(after);
  const changes = compare(before, after, equal)
    .map(({ path, kind }): Change => {
      const text = pathText(path);
      return {
        path: shownPath(path, args.inputs),
        kind,
        replaces: replacesAt(path, gvk, after, config),
        inputDiff: changedPaths.has(text),
      };
    })
    .filter((change) => !isIgnored(change.path, args.ignoreChanges));
  return { changes, deleteBeforeReplace: changes.some((change) => change.replaces) && keepsItsName(before, after) };
}

/** The server keeps a Secret's texts as data; a preview names the field that the program wrote. */
function shownPath(path: Path, inputs: PropertyMap): string {
  const [field, key, ...rest] = path;
  const texts = inputs.kind === "Secret" && field === "data" ? revealMap(inputs).stringData : undefined;
  const fromText = isMap(texts) && typeof key === "string" && key in texts;
  return pathText(fromText ? ["stringData", key, ...rest] : path);
}

/** Two objects of one name cannot exist at a time; a made-up name is made anew. */
function keepsItsName(before: PropertyMap, after: PropertyMap): boolean {
  return (
    annotation(after, "autonamed") !== "true" &&
    textAt(before, "metadata", "name") === textAt(after, "metadata", "name") &&
    textAt(before, "metadata", "namespace") === textAt(after, "metadata", "namespace")
  );
}

function canonical(object: PropertyMap, namespaced: boolean): PropertyMap {
  if (!namespaced) return put(object, ["metadata", "namespace"], undefined);
  const given = isMap(object.metadata) ? object.metadata.namespace : undefined;
  return given === undefined ? put(object, ["metadata", "namespace"], "default") : object;
}
