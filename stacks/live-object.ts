/** Reads one object of the cluster as the API server has it, by what a resource of the program declares of it. */

import * as pulumi from "@pulumi/pulumi";
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
  const call: KubeCall = (...exchange) => {
    open ??= openKubernetes(kubeconfig, RETRIES);
    return open(...exchange);
  };
  const kinds = kindLookup(call);
  const described = async <T>(asked: () => Promise<T>): Promise<T> => {
    try {
      return await asked();
    } catch (cause) {
      throw cause instanceof KubernetesError ? runError(cause.message) : cause;
    }
  };
  return ({ apiVersion, kind, metadata: { name, namespace } }) =>
    described(async () => {
      const resource = await kinds(apiVersion, kind);
      if (resource === undefined) return undefined;
      const path = objectPath(apiVersion, resource.name, name, resource.namespaced ? namespace : undefined);
      const patch = (fields: object) => described(async () => (await call("PATCH", path, fields)).status);
      return { ...(await call("GET", path)), patch };
    });
}

/** Each part in the engine's own form, in which a part that is not known yet leaves the others as they are. */
export const declaredParts = (parts: object): Promise<object> =>
  pulumi.runtime.serializeProperties("the fields of an object", { ...parts });

/** An object as a person names it: `ResourceQuota books/quota`. */
export const objectName = ({ kind, metadata: { name, namespace } }: DeclaredObject): string =>
  `${kind} ${objectId(name, namespace)}`;
