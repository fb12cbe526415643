/** Opens Vault as the program itself reaches it, for the operator's commands. */

import { openVault, type Vault } from "../../clients/vault/client.ts";
import { caOf } from "../../config/ca-certificate.ts";
import { requiredSecret } from "../../config/required-secret.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { PROJECT } from "../pulumi.ts";

/** For one exchange. */
export const TIMEOUT_MS = 20_000;
/** Before the second try of a failed exchange. */
export const PAUSE_MS = 500;

/**
 * @param token the program's own where absent
 * @returns undefined where the stack has no Vault. @throws Refusal where its secret setting is missing
 */
export function vaultOf({ vault, vaultToken }: StackSettings, token?: string): Vault | undefined {
  if (vault === undefined) return undefined;
  const { caCert } = caOf(vault, PROJECT);
  return openVault({
    address: vault.address,
    token: token ?? requiredSecret(vaultToken, "vaultToken", "vault"),
    timeoutMs: TIMEOUT_MS,
    pauseMs: PAUSE_MS,
    ...(caCert === undefined ? {} : { ca: caCert }),
  });
}
