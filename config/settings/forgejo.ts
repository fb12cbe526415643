/** Defines the settings of the forge. The setting `devvm.repositories` says which forge and which repository it is. */

import { z } from "zod";

export const forgejo = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Address of the forge as the program reaches it; people's own (`devvm.repositories.forgejo`) where absent.",
    ),
  caCertFile: z
    .string()
    .optional()
    .describe(
      "File with the authority of the forge's certificate, relative to the project; the machine's own list where absent.",
    ),
  username: z
    .string()
    .min(1)
    .describe("An administrator of the forge, without a second factor: tokens are issued with its password."),
  deployKeys: z
    .boolean()
    .default(true)
    .describe("Whether the repository's writable deploy keys may push to the protected branch."),
  tokens: z
    .strictObject({
      rotateAfterDays: z.int().min(1).default(30).describe("Age at which a person's clone token is replaced."),
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
      scopes: z
        .array(z.string())
        .min(1)
        .default(["write:repository"])
        .describe("What a clone token may do: repositories that its person can reach, and nothing else."),
    })
    .prefault({})
    .describe("People's clone tokens."),
});

export type ForgejoSettings = z.output<typeof forgejo>;
