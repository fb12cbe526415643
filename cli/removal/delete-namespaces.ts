/** Backs up and deletes a person's own namespace: its objects go into a file first, then the namespace is deleted. */

import { z } from "zod";
import type { KubeCall } from "../../clients/kubernetes/client.ts";
import { apiRoot, resourcesOf } from "../../clients/kubernetes/resource-path.ts";
import { Refusal } from "../../config/refusal.ts";

const listed = z.object({ groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })) });
const items = z.object({ items: z.array(z.looseObject({})) });
const namespaceSchema = z.object({
  metadata: z.object({ uid: z.string(), labels: z.record(z.string(), z.string()).optional() }),
});

/** What the program writes on every room. */
const OWNER_LABEL = "workstation/owner";

/** What `kubectl apply -f` takes, as JSON text, and how many objects of which kind. */
export interface Backup {
  readonly namespace: string;
  readonly uid: string;
  readonly text: string;
  readonly kinds: ReadonlyMap<string, number>;
}

/** @returns undefined where the namespace is gone already. @throws Refusal when it is not theirs, or any kind in it cannot be read */
export async function backUp(kube: KubeCall, namespace: string, owner: string): Promise<Backup | undefined> {
  const found = await get(kube, `/api/v1/namespaces/${namespace}`, namespaceSchema, true);
  if (found === undefined) return undefined;
  const label = found.metadata.labels?.[OWNER_LABEL];
  if (label !== owner)
    throw new Refusal(
      `the namespace ${namespace} says that it belongs to ${label ?? "nobody"} and not to ${owner}; it is left alone`,
    );
  const groups = await get(kube, "/apis", listed);
  const versions = ["v1", ...(groups?.groups ?? []).map(({ preferredVersion: { groupVersion } }) => groupVersion)];
  const objects: object[] = [found];
  const kinds = new Map<string, number>();
  for (const apiVersion of versions) {
    for (const { name, namespaced, kind, verbs } of await resourcesOf(kube, apiVersion)) {
      if (!namespaced || !verbs.includes("list") || kind === "Event") continue;
      const of = (await get(kube, `${apiRoot(apiVersion)}/namespaces/${namespace}/${name}`, items))?.items ?? [];
      if (of.length > 0) kinds.set(kind, of.length);
      objects.push(...of.map((item) => ({ apiVersion, kind, ...item })));
    }
  }
  const text = `${JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }, undefined, 1)}\n`;
  return { namespace, uid: found.metadata.uid, text, kinds };
}

/** That very namespace, and no other one of the same name. @throws Refusal */
export async function deleteNamespace(kube: KubeCall, { namespace, uid }: Backup): Promise<void> {
  const { status } = await kube("DELETE", `/api/v1/namespaces/${namespace}`, {
    kind: "DeleteOptions",
    apiVersion: "v1",
    preconditions: { uid },
  });
  if (status !== 200 && status !== 202 && status !== 404)
    throw new Refusal(
      `the cluster did not delete the namespace ${namespace} (it answered ${status}); its backup is in the archive`,
    );
}

async function get<T>(kube: KubeCall, path: string, form: z.ZodType<T>, mayBeGone = false): Promise<T | undefined> {
  const { status, value } = await kube("GET", path);
  if (status === 404 && mayBeGone) return undefined;
  if (status !== 200)
    throw new Refusal(
      `the cluster did not show ${path} (it answered ${status}), so there is no whole backup and nothing was deleted`,
    );
  const parsed = form.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal(
    `the cluster answered for ${path} in a form that this program does not know, so there is no whole backup and nothing was deleted`,
  );
}
