/** Defines the setting of a login on a machine that the program changes: root, and nobody else. */

import { z } from "zod";

/**
 * A login that becomes root by sudo has root's rights as well, so it would protect nothing, and every file that is uploaded
 * would pass through that account's home.
 */
export const rootLogin = z
  .string()
  .default("root")
  .refine((name) => name === "root", {
    error:
      "must be root: the program runs its commands as the login itself, without sudo; put the public key into " +
      "/root/.ssh/authorized_keys there, with `PermitRootLogin prohibit-password` in /etc/ssh/sshd_config, and remove this setting",
  })
  .describe("The login: root. Another one is refused, since nothing is run through sudo.");
