/** Names a person's objects in Vault. Distinct people never get the same name, since each name holds one whole name. */

import type { K8sUser, Namespace, OsUser } from "../../roster/model.ts";

/** Also the name of the person's entity. */
export const ownerPolicyName = (k8sUser: K8sUser): string => `namespace-owner-${k8sUser}`;

export const workstationPolicyName = (osUser: OsUser): string => `workstation-claude-${osUser}`;

export const deployerRoleName = (namespace: Namespace): string => `${namespace}-deployer`;
