/**
 * Lists unmanaged access to the repository: collaborators, keys and rules that this program did not make. It leaves
 * them alone and reports them.
 */

import { type ForgejoAccess, planLogins } from "../../roster/forge-access.ts";

/** What the forge says about the repository; see `providers/forgejo/audit.ts`. */
export interface RepositoryAudit {
  readonly server: string;
  readonly version: string;
  readonly collaborators: readonly { readonly login: string; readonly permission: string }[];
  readonly rules: readonly string[];
  readonly effectiveRule: string;
  readonly writableDeployKeys: readonly string[];
}

/** @returns one sentence each, in a fixed order */
export function unmanagedAccess(audit: RepositoryAudit, access: ForgejoAccess, branch: string): readonly string[] {
  const permissions = new Map(audit.collaborators.map(({ login, permission }) => [login, permission]));
  const want = [...access.collaborators, ...access.whitelist];
  const { strangers } = planLogins(want, [...permissions.keys()], access.former);
  const otherRules = audit.rules.filter((rule) => rule !== branch && /[*?[{]/.test(rule));
  return [
    ...strangers.map(
      (login) => `${login} is a collaborator (${permissions.get(login)}) whom this program never put there`,
    ),
    ...audit.writableDeployKeys.map((title) => `the deploy key "${title}" can write`),
    ...otherRules.map((rule) => `the branch rule "${rule}" may hold for ${branch} too`),
  ];
}
