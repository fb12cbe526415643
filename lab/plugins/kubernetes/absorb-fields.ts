/**
 * Makes fields that client-side apply wrote the field manager's own before an update, as the official plugin does it:
 * those of `kubectl`, and those of a creation by the plugin itself.
 */
import { CREATING_MANAGER, type FieldSet, isAbsorbed, merged } from "../../../clients/kubernetes/field-ownership.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import { listAt } from "./objects.ts";

/**
 * @returns the `managedFields` of the object in which `fieldManager` owns these fields too; undefined where nobody else
 * does
 */
export function absorbed(live: PropertyMap, fieldManager: string): readonly PropertyMap[] | undefined {
  const entries = listAt(live, "metadata", "managedFields");
  const isOwn = (entry: PropertyMap) => entry.manager === fieldManager && entry.operation === "Apply";
  const gone = entries.filter((entry) => !isOwn(entry) && isTaken(entry));
  const [first] = gone;
  if (first === undefined) return undefined;
  const own = entries.find(isOwn) ?? { ...first, manager: fieldManager, operation: "Apply", fieldsV1: {} };
  const fieldsV1 = [own, ...gone].map((entry) => entry.fieldsV1 as unknown as FieldSet).reduce(merged);
  const others = entries.filter((entry) => !isOwn(entry) && !gone.includes(entry));
  return [...others, { ...own, fieldsV1: fieldsV1 as unknown as PropertyMap }];
}

/** Whether a dry run is forced: the real update makes the fields of a creation its own before. */
export function isForcedInPreview(live: PropertyMap): boolean {
  return listAt(live, "metadata", "managedFields").some(
    ({ manager, operation }) => operation === "Update" && CREATING.has(String(manager)),
  );
}

/** Whether an object records no owners at all: such a one is taken without a conflict. */
export const hasNoOwners = (live: PropertyMap): boolean => listAt(live, "metadata", "managedFields").length === 0;

const isTaken = ({ manager, operation, subresource }: PropertyMap): boolean =>
  (subresource ?? "") === "" && isAbsorbed({ manager: String(manager), operation: String(operation) });

const CREATING: ReadonlySet<string> = new Set([
  CREATING_MANAGER,
  `${CREATING_MANAGER}.exe`,
  "pulumi-resource-kubernetes",
]);
