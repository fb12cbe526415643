/** Reads the certificate of a private authority that a section of the settings names. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Refusal } from "./refusal.ts";

/** The authority of a server's certificate as text, where the section's settings name a file. @throws Refusal when it cannot be read */
export function caOf(
  { caCertFile }: { readonly caCertFile?: string | undefined },
  folder = ".",
  section: "vault" | "forgejo" = "vault",
): { readonly caCert?: string } {
  if (caCertFile === undefined) return {};
  try {
    return { caCert: readFileSync(resolve(folder, caCertFile), "utf8") };
  } catch (cause) {
    throw new Refusal(
      `${caCertFile}: the authority that workstation:${section}.caCertFile names cannot be read: ` +
        `${(cause as Error).message}. Nothing was changed.`,
    );
  }
}
