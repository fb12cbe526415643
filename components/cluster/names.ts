/**
 * Defines the names of objects that more than one file refers to. A name that changes is an object that is replaced.
 */

import { DEPLOYER_ROLE } from "./tier-rights.ts";

/** The ServiceAccount of every admin's dashboard, in the dashboard's own namespace. */
export const ADMIN_ACCOUNT = "dashboard-admin";

/** The ServiceAccount of a person's own pipelines, one in each of their namespaces. */
export const DEPLOYER_ACCOUNT = "deployer";

/** The Secret that holds the lasting token of a ServiceAccount. */
export const tokenSecret = (account: string) => `${account}-token`;

/** The RoleBindings that every tenant's namespace has from this program. */
export const OWN_BINDINGS: readonly string[] = ["owner", DEPLOYER_ROLE];

/** Those that it had from earlier versions: emptied by the run that takes the namespace over, deleted by the next one. */
export const FORMER_BINDINGS: readonly string[] = ["dashboard", "deployer"];
