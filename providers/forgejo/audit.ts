/** Reads who and what can get at a branch of a repository, for the report of unmanaged access. It changes nothing. */

import { z } from "zod";
import { ProviderError } from "../runtime/errors.ts";
import { revealMap, type PropertyMap } from "../runtime/property-values.ts";
import type { Forge } from "../../clients/forgejo/client.ts";
import { isForgejo, repoApi, serverVersion } from "../../clients/forgejo/repository.ts";
import { branchName, repoFields } from "./resources/common-schemas.ts";

const question = z.object({
  ...repoFields,
  branch: branchName,
  /** Logins whose right is known, so that it is asked only for the others. */
  known: z.array(z.string()).default([]),
});

/**
 * @returns server, version, collaborators (login, permission), rules by name, the rule that holds for the branch, and
 * titles of the deploy keys that may write
 * @throws ForgeError when any part of it cannot be read as a whole
 */
export async function auditRepository(forge: Forge, args: PropertyMap, signal: AbortSignal): Promise<PropertyMap> {
  const parsed = question.safeParse(revealMap(args));
  if (!parsed.success)
    throw new ProviderError(`auditRepository: ${parsed.error.issues.map(({ message }) => message).join("; ")}`);
  const { branch } = parsed.data;
  const api = repoApi(forge, parsed.data, signal);
  await api.mustExist();
  const version = await serverVersion(forge, signal);
  const logins = await api.collaborators();
  const known = new Set(parsed.data.known.map((login) => login.toLowerCase()));
  const collaborators = [];
  for (const login of logins) {
    collaborators.push({ login, permission: known.has(login.toLowerCase()) ? "known" : await api.permissionOf(login) });
  }
  return {
    server: isForgejo(version) ? "forgejo" : "gitea",
    version,
    collaborators,
    rules: (await api.protections()).map((rule) => rule.rule_name),
    effectiveRule: (await api.effectiveRule(branch)) ?? "",
    writableDeployKeys: (await api.deployKeys()).filter((key) => !key.read_only).map((key) => key.title),
  };
}
