/** Defines the labels that mark an object as this program's and name its owner. */

import type { K8sUser } from "../../roster/model.ts";

export const MANAGED = { "app.kubernetes.io/managed-by": "workstation" } as const;

/** Whether they mark an object as this program's. Whoever may write the object can set them. */
export const bearsOurLabels = (labels: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(MANAGED).every(([key, value]) => labels[key] === value);

/** Key of the label that names the `k8s_user` whom a namespace belongs to. A namespace without it is no tenant's. */
export const OWNER_LABEL = "workstation/owner";

/** For what belongs to one person. */
export const managedBy = (owner: K8sUser) => ({ ...MANAGED, [OWNER_LABEL]: owner });
