/** Names a person's objects in Vault. Distinct people never get the same name, since each name holds one whole name. */

import type { K8sUser, Namespace, OsUser } from "../../roster/model.ts";

/** Also the name of the person's entity. */
export const ownerPolicyName = (who: K8sUser): string => `namespace-owner-${who}`;

export const workstationPolicyName = (who: OsUser): string => `workstation-claude-${who}`;

export const deployerRoleName = (namespace: Namespace): string => `${namespace}-deployer`;
