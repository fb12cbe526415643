/** Opens the cluster as the program itself reaches it, for the operator's commands. */

import { requiredSecret } from "../../config/required-secret.ts";
import { type KubeCall, openKubernetes } from "../../clients/kubernetes/client.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";

/** @returns undefined where the stack has no cluster. @throws Refusal or KubernetesError where the kubeconfig is missing or unusable */
export const clusterOf = ({ cluster, kubeconfig }: StackSettings): KubeCall | undefined =>
  cluster && openKubernetes(requiredSecret(kubeconfig, "kubeconfig", "cluster"));
