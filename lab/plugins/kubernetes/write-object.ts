/**
 * Writes to the API server: create that never takes over, server-side apply for changes, delete that waits for the end.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../../providers/runtime/provider.ts";
import { ProviderError } from "../../../providers/runtime/errors.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import { CREATING_MANAGER } from "../../../clients/kubernetes/field-ownership.ts";
import { absorbed, hasNoOwners, isForcedInPreview } from "./absorb-fields.ts";
import { ApiError } from "./api.ts";
import type { RestMapping } from "./discovery.ts";
import { annotation, at, idOf, objectName, put, textAt } from "./objects.ts";
import { gvkOfObject } from "./session.ts";
import type { Session } from "./session.ts";

/** One write of one object. */
export interface Write {
  readonly session: Session;
  readonly mapping: RestMapping;
  /** Plain: no secrets marked, no unknowns. */
  readonly object: PropertyMap;
  readonly fieldManager: string;
  /** Asks the server what would come of it, and changes nothing. */
  readonly dryRun: boolean;
  readonly call: Call;
}

/** Creates; an object that exists is an error (AlreadyExists), unless the provider was told to take over such. */
export async function create(write: Write): Promise<PropertyMap> {
  const { session, mapping, object, call } = write;
  try {
    return await session.api.send({
      ...{ method: "POST", path: mapping.path(textAt(object, "metadata", "namespace")), body: object },
      query: { fieldManager: CREATING_MANAGER, ...dryRun(write) },
      ...{ signal: call.signal, warn: call.log.warning },
    });
  } catch (error) {
    if (session.config.upsert && isReason(error, "AlreadyExists")) return apply(write, false);
    throw error;
  }
}

/** Changes by server-side apply: fields that left the inputs go, fields of others stay. `live` is what is there now. */
export async function update(write: Write, live: PropertyMap): Promise<PropertyMap> {
  if (textAt(write.object, "kind") === "CustomResourceDefinition") return replace(write, live);
  const fields = write.dryRun ? undefined : absorbed(live, write.fieldManager);
  if (fields !== undefined) await recordOwners(write, live, fields);
  return apply(write, hasNoOwners(live) || (write.dryRun && isForcedInPreview(live)));
}

/** The object as it is, or undefined if there is none. Any other answer throws. */
export async function read(
  session: Session,
  mapping: RestMapping,
  id: PropertyMap,
  signal: AbortSignal,
): Promise<PropertyMap | undefined> {
  try {
    const path = mapping.path(textAt(id, "metadata", "namespace"), textAt(id, "metadata", "name"));
    return await session.api.send({ method: "GET", path, signal });
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Deletes and waits until the object is gone. One that is gone already is no error. */
export async function remove(session: Session, mapping: RestMapping, object: PropertyMap, call: Call): Promise<void> {
  const path = mapping.path(textAt(object, "metadata", "namespace"), textAt(object, "metadata", "name"));
  const startMs = Date.now();
  let uid: string;
  try {
    const answer = await session.api.send({
      ...{ method: "DELETE", path, signal: call.signal },
      body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: propagation(object) },
    });
    uid = textAt(answer, "metadata", "uid") || textAt(answer, "details", "uid");
  } catch (error) {
    if (isReason(error, "NotFound")) return;
    throw error;
  }
  if (annotation(object, "skipAwait") === "true" && SKIPS_DELETION.has(textAt(object, "kind"))) return;
  const limitMs = call.timeoutMs ?? DELETE_LIMIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const left = await read(session, mapping, object, call.signal);
    // Another object may have come under the same name; ours is gone then.
    if (left === undefined || (uid !== "" && textAt(left, "metadata", "uid") !== uid)) return;
    if (Date.now() - startMs > limitMs) throw stillThere(object, left, limitMs);
    call.log.progress(`waiting until ${idOf(object)} is gone`);
    await sleep(pauseMs, undefined, { signal: call.signal });
  }
}

/** Whether the server refused for this reason. */
export const isReason = (error: unknown, reason: string): boolean =>
  error instanceof ApiError && error.reason === reason;

async function apply(write: Write, force: boolean): Promise<PropertyMap> {
  const { session, object, fieldManager, call } = write;
  const forced = force || session.config.forcePatches || annotation(object, "patchForce") === "true";
  try {
    return await session.api.send({
      ...{ method: "PATCH", path: pathOf(write), body: object, contentType: "application/apply-patch+yaml" },
      query: { fieldManager, force: String(forced), ...dryRun(write) },
      ...{ signal: call.signal, warn: call.log.warning },
    });
  } catch (error) {
    if (!isReason(error, "Conflict")) throw error;
    throw new ProviderError(
      `Server-Side Apply field conflict detected. ${objectName(gvkOfObject(object), object)}: fields of it belong to ` +
        `someone else: ${(error as Error).message}. To take them, set the annotation pulumi.com/patchForce: "true"`,
      { cause: error },
    );
  }
}

function replace(write: Write, live: PropertyMap): Promise<PropertyMap> {
  const body = put(write.object, ["metadata", "resourceVersion"], textAt(live, "metadata", "resourceVersion"));
  return write.session.api.send({
    ...{ method: "PUT", path: pathOf(write), body, signal: write.call.signal },
    query: { fieldManager: write.fieldManager, ...dryRun(write) },
  });
}

/** Without this a field that leaves the inputs would stay in the object for ever: the creation would still own it. */
async function recordOwners(write: Write, live: PropertyMap, managedFields: readonly PropertyMap[]): Promise<void> {
  await write.session.api.send({
    ...{ method: "PATCH", path: pathOf(write), contentType: "application/json-patch+json", signal: write.call.signal },
    body: [
      { op: "test", path: "/metadata/resourceVersion", value: textAt(live, "metadata", "resourceVersion") },
      { op: "replace", path: "/metadata/managedFields", value: managedFields },
    ],
  });
}

const pathOf = ({ mapping, object }: Write): string =>
  mapping.path(textAt(object, "metadata", "namespace"), textAt(object, "metadata", "name"));

const dryRun = (write: Write): Readonly<Record<string, string>> => (write.dryRun ? { dryRun: "All" } : {});

/** Kinds that own nothing go at once: the garbage collector would take its time to find that out. */
function propagation(object: PropertyMap): string {
  const policy = annotation(object, "deletionPropagationPolicy").toLowerCase();
  if (policy === "orphan") return "Orphan";
  if (policy === "background" || (policy === "" && OWN_NOTHING.has(textAt(object, "kind")))) return "Background";
  return "Foreground";
}

function stillThere(object: PropertyMap, left: PropertyMap, limitMs: number): ProviderError {
  const finalizers = at(left, "metadata", "finalizers");
  const held =
    Array.isArray(finalizers) && finalizers.length > 0 ? `; finalizers hold it: ${finalizers.join(", ")}` : "";
  return new ProviderError(
    `${objectName(gvkOfObject(object), object)} is still there ${limitMs / 1000} s after its deletion${held}`,
  );
}

const OWN_NOTHING: ReadonlySet<string> = new Set([
  ...["ConfigMap", "Secret", "ServiceAccount", "ResourceQuota", "LimitRange", "Namespace", "PersistentVolume"],
  ...["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "NetworkPolicy", "Ingress", "StorageClass"],
  ...["PriorityClass", "PodDisruptionBudget", "HorizontalPodAutoscaler", "PersistentVolumeClaim", "Pod"],
]);

/** Kinds for which `skipAwait` covers the deletion too, as it does in the official plugin. */
const SKIPS_DELETION: ReadonlySet<string> = new Set([
  ...["Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job"],
]);

const DELETE_LIMIT_MS = 600_000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;
