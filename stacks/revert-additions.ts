/** Reverts what somebody added to the objects that the stack has, where the Kubernetes plugin does not see it. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { additions, formerParts, REVERTED_FROM } from "../clients/kubernetes/additions.ts";
import { differences } from "../clients/kubernetes/compare-objects.ts";
import { type KubeCall, KubernetesError, openKubernetes } from "../clients/kubernetes/client.ts";
import { kindLookup, listPath, objectPath } from "../clients/kubernetes/resource-path.ts";
import { MANAGED } from "../components/cluster/labels.ts";
import { Refusal } from "../config/refusal.ts";
import { FORCE } from "./import-adopted.ts";
import { type DeclaredObject, objectName, RETRIES } from "./live-object.ts";
import { type HeldObject, heldObject, objectKey, type ObjectsInState } from "./objects-in-state.ts";

/** By namespace, empty for what is in none: each object by `objectKey`, as the API server has it; without what is gone. */
export type LabelledObjects = ReadonlyMap<string, ReadonlyMap<string, LabelledObject>>;

const labelledObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().default(""),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});
type LabelledObject = z.output<typeof labelledObject>;

const page = z.object({
  items: z.array(labelledObject),
  metadata: z.object({ continue: z.string().default("") }),
});

/** Objects of one answer. The API server's own pages are as long in its clients. */
const PAGE = 500;

/**
 * Lists what bears the program's labels, of each kind that the state has and that can have additions; what the state has and
 * the list lacks is read by its name. Kinds that hold no lists and no selectors are not asked for, Secrets above all.
 * @throws Refusal where a deployment cannot read them; a preview says so, and goes on without these kinds
 */
export async function labelledObjects(kubeconfig: string, inState: ObjectsInState): Promise<LabelledObjects> {
  const held = [...inState.values()].flatMap((objects) => [...objects.values()]);
  const kinds = new Map(held.map(({ apiVersion, kind }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]));
  const found = new Map<string, Map<string, LabelledObject>>();
  const call = openKubernetes(kubeconfig, RETRIES);
  const kindOf = kindLookup(call);
  const read = async ({ apiVersion, kind }: Pick<HeldObject, "apiVersion" | "kind">) => {
    try {
      const resource = await kindOf(apiVersion, kind);
      if (resource === undefined) return;
      const note = (one: LabelledObject) => {
        const { name, namespace } = one.metadata;
        found.set(namespace, (found.get(namespace) ?? new Map()).set(objectKey(kind, name), one));
      };
      for (const one of await listed(call, listPath(apiVersion, resource.name))) note(one);
      // Somebody may have taken the label off. What is gone altogether is for the plugin to see.
      for (const [namespace, objects] of inState)
        for (const [key, one] of objects) {
          if (one.kind !== kind || one.apiVersion !== apiVersion || found.get(namespace)?.has(key) === true) continue;
          const name = key.slice(kind.length + 1);
          const path = objectPath(apiVersion, resource.name, name, resource.namespaced ? namespace : undefined);
          const { status, value } = await call("GET", path);
          const answer = labelledObject.safeParse(value);
          if (status === 404) continue;
          if (status !== 200 || !answer.success) throw new KubernetesError(`${path} cannot be read (status ${status})`);
          note(answer.data);
        }
    } catch (cause) {
      if (!(cause instanceof KubernetesError)) throw cause;
      const unread = `What was added by hand to objects of the kind ${kind} cannot be seen: ${cause.message}`;
      if (!pulumi.runtime.isDryRun()) throw new Refusal(`${unread}. Nothing was changed.`);
      await pulumi.log.info(`${unread}; the deployment looks itself`);
    }
  };
  await Promise.all([...kinds.values()].filter(({ kind }) => !PLAIN_KINDS.has(kind)).map(read));
  return found;
}

const PLAIN_KINDS: ReadonlySet<string> = new Set([
  "ConfigMap",
  "Namespace",
  "ResourceQuota",
  "Secret",
  "ServiceAccount",
]);

/** @throws KubernetesError for an answer that is not the whole list */
async function listed(call: KubeCall, path: string): Promise<readonly LabelledObject[]> {
  const labels = Object.entries(MANAGED).map(([key, value]) => `${key}=${value}`);
  const all: LabelledObject[] = [];
  let next = "";
  do {
    const query = new URLSearchParams({
      labelSelector: labels.join(),
      limit: String(PAGE),
      ...(next === "" ? {} : { continue: next }),
    });
    const { status, value } = await call("GET", `${path}?${query.toString()}`);
    const answer = page.safeParse(value);
    if (status !== 200 || !answer.success) throw new KubernetesError(`${path} cannot be listed (status ${status})`);
    all.push(...answer.data.items);
    next = answer.data.metadata.continue;
  } while (next !== "");
  return all;
}

/**
 * From here on an object with additions is declared with an annotation that it did not have before, which makes an update of
 * it, and only an update puts a list back. It stays as it is then, and so does the annotation. The update is forced: whoever
 * added something owns the list since.
 */
export function revertAdditions(live: LabelledObjects, inState: ObjectsInState): void {
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) return undefined;
    const object = props as DeclaredObject;
    const { kind, metadata } = object;
    const held = heldObject(inState, { kind, ...metadata });
    if (held === undefined) return undefined;
    const found = live.get(metadata.namespace ?? "")?.get(objectKey(kind, metadata.name));
    const added = found === undefined ? [] : unexpected(props, held, found);
    for (const part of added)
      void pulumi.log.warn(
        `${objectName(object)}: ${part} has more in it than was deployed, added by hand or by a deployment that the state ` +
          "does not have; this deployment puts it back as the program declares it",
      );
    const version = added.length > 0 && found !== undefined ? markOf(found) : held.annotations[REVERTED_FROM];
    if (version === undefined) return undefined;
    const annotations = { ...metadata.annotations, [FORCE]: "true", [REVERTED_FROM]: version };
    return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
  });
}

/** The parts with additions, but for those that are as declared: a deployment that was killed has written them. */
function unexpected(declared: object, held: HeldObject, found: LabelledObject): readonly string[] {
  const parts = additions(formerParts(held.inputs, declared), found);
  if (parts.length === 0) return parts;
  const now = [...additions(declared, found), ...differences(declared, found).map(({ path }) => path)];
  const whole = (part: string) => part.split("[")[0] ?? "";
  return parts.filter((part) => now.some((path) => path.startsWith(whole(part)) || whole(part).startsWith(path)));
}

/** Never what the object bears: whoever added something may have set that, too. */
const markOf = ({ metadata: { resourceVersion, annotations } }: LabelledObject): string =>
  annotations[REVERTED_FROM] === resourceVersion ? `${resourceVersion}+` : resourceVersion;
