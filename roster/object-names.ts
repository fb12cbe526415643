/**
 * Builds the names of objects that follow from the name of a person or a namespace, in one place, so that no two
 * collide.
 */

import type { K8sUser, Namespace, OsUser } from "./model.ts";

/** ServiceAccount in each of a person's namespaces, for the cluster's dashboard; a DNS label. */
export const dashboardAccount = (k8sUser: K8sUser): string => `dashboard-${k8sUser}`;

/** Vault policy of a namespace-owner. */
export const ownerPolicy = (k8sUser: K8sUser): string => `namespace-owner-${k8sUser}`;

/** Vault's Kubernetes auth role of a namespace's own pipelines; their ServiceAccount is plain `deployer` in each namespace. */
export const deployerRole = (namespace: Namespace): string => `${namespace}-deployer`;

/** Vault policy of one workstation's assistant. */
export const workstationPolicy = (osUser: OsUser): string => `workstation-claude-${osUser}`;

/** Below the KV mount: where one workstation's assistant keeps its credentials. */
export const workstationSecret = (osUser: OsUser): string => `workstation/claude-users/${osUser}`;

/**
 * The user whom a binding without people names: the official Kubernetes plugin leaves an empty list out, and so what
 * others own in it, or add to it, would stay. Nobody signs in by this name, which is no e-mail.
 */
export const NOBODY = "workstation:nobody";

/** Whether a subject of a binding is that user. */
export const isNobody = ({ kind, name }: { readonly kind: string; readonly name: string }): boolean =>
  kind === "User" && name === NOBODY;
