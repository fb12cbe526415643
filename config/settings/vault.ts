/** Defines the settings of Vault: where it is, what it is called in there, and what its absence means. */

import { z } from "zod";

const mount = z.string().regex(/^[A-Za-z0-9_-]+$/, "must be a mount's path without slashes");

/** Stands in an address and in a policy's rule, so it names one path in both. */
const secretPath = z
  .string()
  .regex(
    /^(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)*$/,
    'must be a path within the KV store: letters, digits, dots, dashes and underscores, segments separated by "/", as in "platform"',
  )
  .regex(
    /^(?!workstation\/claude-users(\/|$))/,
    "must be outside of workstation/claude-users, where people's credential syncs write",
  );

export const vault = z.strictObject({
  address: z.url({ protocol: /^https?$/ }).describe("Address of Vault as the program reaches it."),
  caCertFile: z
    .string()
    .optional()
    .describe(
      "File with the authority of Vault's certificate, relative to the project; the machine's own list where absent.",
    ),
  kvMount: mount.default("secret").describe("The KV store (version 2) with the user map and everybody's own paths."),
  userMap: z
    .strictObject({
      path: secretPath
        .default("platform")
        .describe(
          "Secret that holds the user map. Without `userMapFile`, the path's first segment is nobody's `k8s_user`.",
        ),
      field: z.string().default("k8s_users").describe("Its field with the map as JSON text."),
    })
    .prefault({})
    .describe("Path of the user map in the KV store."),
  unreachable: z
    .enum(["error", "warn-in-preview"])
    .default("error")
    .describe("What a preview does when the user map cannot be read. An update always stops."),
  oidcMount: mount
    .default("oidc")
    .describe("Auth mount through which people sign in; their e-mail is the alias there."),
  kubernetesMount: mount.default("kubernetes").describe("Auth mount of the cluster's ServiceAccounts."),
  deployer: z
    .strictObject({
      serviceAccount: z.string().default("deployer").describe("ServiceAccount of a tenant's pipelines."),
      ttlSeconds: z.int().min(60).default(1200).describe("How long a pipeline's token lives."),
      maxTtlSeconds: z.int().min(60).default(3600).describe("How long it can be renewed."),
    })
    .prefault({})
    .describe("What the pipelines in people's namespaces sign in with."),
  workstationTokens: z
    .strictObject({
      role: mount
        .default("workstation-claude")
        .describe("Token role by which they are issued; an administrator of Vault makes it (docs/vault.md)."),
      rotateAfterDays: z.int().min(1).default(30).describe("Age at which a token is replaced."),
      overlapDays: z
        .int()
        .min(0)
        .default(3)
        .describe("How long the former token stays valid, so that the new one arrives before it ends."),
      generation: z
        .int()
        .min(1)
        .default(1)
        .describe("Raise it by one to replace everybody's token at once; the former ones end then."),
    })
    .optional()
    .describe("Tokens by which each person's credential sync reaches their own path. Absent: none are issued."),
});

export type VaultSettings = z.output<typeof vault>;
