/** Opens the forge as the program itself reaches it, for the operator's commands: by the provider's own client. */

import { type Forge, openForge } from "../../clients/forgejo/client.ts";
import { requiredSecret } from "../../config/required-secret.ts";
import { caOf } from "../../config/ca-certificate.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { PROJECT } from "../pulumi.ts";

const TIMEOUT_MS = 20_000;
const PAUSE_MS = 500;

/** @returns undefined where the stack has no forge. @throws Refusal where its secret setting is missing */
export function forgeOf({ forgejo, forgejoPassword, devvm }: StackSettings): Forge | undefined {
  if (forgejo === undefined) return undefined;
  const { caCert } = caOf(forgejo, PROJECT, "forgejo");
  return openForge({
    url: forgejo.url ?? devvm.repositories.forgejo,
    username: forgejo.username,
    password: requiredSecret(forgejoPassword, "forgejoPassword", "forgejo"),
    timeoutMs: TIMEOUT_MS,
    pauseMs: PAUSE_MS,
    ...(caCert === undefined ? {} : { ca: caCert }),
  });
}
