/** Builds the paths of the Kubernetes API and asks the cluster for the plural names of its kinds. */

import { z } from "zod";
import { KubernetesError, type KubeCall } from "./client.ts";

const resourceList = z.object({
  resources: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      namespaced: z.boolean(),
      verbs: z.array(z.string()).default([]),
    }),
  ),
});

/** One kind of object as the cluster names it in paths. */
export type ApiResource = z.output<typeof resourceList>["resources"][number];

/** @param apiVersion as objects carry it: `v1`, `apps/v1` */
export const apiRoot = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** @returns the kinds of a group, without subresources; none where the cluster has no such group. @throws KubernetesError */
export async function resourcesOf(call: KubeCall, apiVersion: string): Promise<readonly ApiResource[]> {
  const { status, value } = await call("GET", apiRoot(apiVersion));
  if (status === 404) return [];
  const parsed = resourceList.safeParse(value);
  if (status !== 200 || !parsed.success)
    throw new KubernetesError(`the cluster does not list its kinds of ${apiVersion} (status ${status})`);
  return parsed.data.resources.filter(({ name }) => !name.includes("/"));
}

/** Looks a kind up, with one request a group. @returns undefined where the cluster has no such kind. @throws KubernetesError */
export function kindLookup(call: KubeCall): (apiVersion: string, kind: string) => Promise<ApiResource | undefined> {
  const groups = new Map<string, Promise<readonly ApiResource[]>>();
  return async (apiVersion, kind) => {
    const group = groups.get(apiVersion) ?? resourcesOf(call, apiVersion);
    groups.set(apiVersion, group);
    return (await group).find((one) => one.kind === kind);
  };
}

/** The path of one object. */
export const objectPath = (apiVersion: string, plural: string, name: string, namespace: string | undefined): string =>
  `${apiRoot(apiVersion)}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${plural}/${name}`;

/** The path of all objects of a kind, in every namespace. */
export const listPath = (apiVersion: string, plural: string): string => `${apiRoot(apiVersion)}/${plural}`;
