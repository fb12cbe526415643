/** Builds the subjects and the role reference of a binding in the API's form. */

import type { Email } from "../../roster/model.ts";

const RBAC = "rbac.authorization.k8s.io";

/** A person: the API server knows them by their e-mail, without a prefix. */
export const user = (email: Email) => ({ apiGroup: RBAC, kind: "User", name: email });

export const serviceAccount = (namespace: string, name: string) => ({ kind: "ServiceAccount", name, namespace });

export const clusterRole = (name: string) => ({ apiGroup: RBAC, kind: "ClusterRole", name });

export const role = (name: string) => ({ apiGroup: RBAC, kind: "Role", name });
