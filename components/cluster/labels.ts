/** The labels by which an object of this program, and whose it is, can be told in the cluster. */

import type { K8sUser } from "../../roster/model.ts";

export const MANAGED = { "app.kubernetes.io/managed-by": "workstation" } as const;

/** For what belongs to one person. */
export const managedBy = (owner: K8sUser) => ({ ...MANAGED, "workstation/owner": owner });
