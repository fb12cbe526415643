/** Defines the schemas of the forge's answers, with the fields that are read. Everything else in them is ignored. */

import { z } from "zod";

/** Of one rule. Forgejo and Gitea differ in the switch that binds admins; a server has one of them. */
export const protection = z.object({
  rule_name: z.string(),
  enable_push: z.boolean(),
  enable_push_whitelist: z.boolean(),
  push_whitelist_usernames: z.array(z.string()).nullish().transform(orNone),
  push_whitelist_teams: z.array(z.string()).nullish().transform(orNone),
  push_whitelist_deploy_keys: z.boolean(),
  enable_merge_whitelist: z.boolean(),
  merge_whitelist_usernames: z.array(z.string()).nullish().transform(orNone),
  merge_whitelist_teams: z.array(z.string()).nullish().transform(orNone),
  unprotected_file_patterns: z.string().default(""),
  /** Forgejo, since 7. */
  apply_to_admins: z.boolean().optional(),
  /** Gitea, since 1.23. */
  block_admin_merge_override: z.boolean().optional(),
  enable_force_push: z.boolean().optional(),
});
export type Protection = z.output<typeof protection>;

export const user = z.object({ login: z.string() });
export const permission = z.object({ permission: z.string() });
export const repository = z.object({ full_name: z.string() });
export const version = z.object({ version: z.string() });
export const branch = z.object({ name: z.string(), effective_branch_protection_name: z.string().default("") });
export const deployKey = z.object({ id: z.int(), title: z.string(), read_only: z.boolean() });
export const accessToken = z.object({
  id: z.int(),
  name: z.string(),
  scopes: z.array(z.string()).nullish().transform(orNone),
});
/** The only answer that ever holds a token's value. */
export const newAccessToken = accessToken.extend({ sha1: z.string().min(20) });
export type AccessToken = z.output<typeof accessToken>;

function orNone(list: string[] | null | undefined): readonly string[] {
  return list ?? [];
}
