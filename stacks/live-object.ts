/** Reads one object of the cluster as the API server has it, by what a resource of the program declares of it. */

import { type KubeCall, KubernetesError, openKubernetes } from "../clients/kubernetes/client.ts";
import { kindLookup, objectPath } from "../clients/kubernetes/resource-path.ts";
import { objectId } from "../config/adoption-file.ts";
import { runError } from "./run-error.ts";

/** What names an object in the inputs of its resource. */
export interface DeclaredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** The API server's answer to a read of one object, and the means to change a part of that object. */
export interface LiveObject {
  readonly status: number;
  readonly value: unknown;
  /** Merges fields into the object. @returns the status of the API server's answer */
  patch(fields: object): Promise<number>;
}

/** @returns undefined where the cluster has no such kind. @throws RunError where no answer came, and for a kubeconfig that cannot be used */
export type ReadLiveObject = (object: DeclaredObject) => Promise<LiveObject | undefined>;

/** A deployment asks for hundreds of objects at once, which an API server may put off. */
export const RETRIES = { tries: 4, pauseMs: 500 };

/** The kubeconfig is opened with the first question. */
export function liveObjects(kubeconfig: string): ReadLiveObject {
  let open: KubeCall | undefined;
  const call: KubeCall = async (...exchange) => {
    try {
      open ??= openKubernetes(kubeconfig, RETRIES);
      return await open(...exchange);
    } catch (cause) {
      throw cause instanceof KubernetesError ? runError(cause.message) : cause;
    }
  };
  const kinds = kindLookup(call);
  return async ({ apiVersion, kind, metadata: { name, namespace } }) => {
    const resource = await kinds(apiVersion, kind);
    if (resource === undefined) return undefined;
    const path = objectPath(apiVersion, resource.name, name, resource.namespaced ? namespace : undefined);
    const patch = async (fields: object) => (await call("PATCH", path, fields)).status;
    return { ...(await call("GET", path)), patch };
  };
}

/** An object as a person names it: `ResourceQuota books/quota`. */
export const objectName = ({ kind, metadata: { name, namespace } }: DeclaredObject): string =>
  `${kind} ${objectId(name, namespace)}`;
