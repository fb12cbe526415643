/** Reads from the API server before anything is declared, and cannot write. */

import { openKubernetes, KubernetesError } from "../../clients/kubernetes/client.ts";

/** @returns the API's answer, or undefined where it knows no such thing. @throws KubernetesError for every other outcome */
export type Read = (path: string) => Promise<unknown>;

/** @throws KubernetesError for a kubeconfig that cannot be used: nothing of its content is repeated */
export function readerOf(kubeconfig: string): Read {
  const call = openKubernetes(kubeconfig);
  return async (path) => {
    const { status, value } = await call("GET", path);
    if (status === 404) return undefined;
    if (status !== 200)
      throw new KubernetesError(`the API server answered ${path.split("?")[0]} with status ${status}`);
    return value;
  };
}
