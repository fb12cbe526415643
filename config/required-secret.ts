/** Reads a secret setting that a configured section needs. */

import { Refusal } from "./refusal.ts";

/** @throws Refusal where the section is configured and its secret is not */
export function requiredSecret(secret: string | undefined, name: string, section: string): string {
  if (secret !== undefined) return secret;
  throw new Refusal(
    `workstation:${section} is configured and workstation:${name} is not: the program cannot sign in there. ` +
      `Set it by \`pulumi config set --secret ${name}\`, or take the section out. Nothing was changed.`,
  );
}
