/** Vault as the program itself reaches it, for the operator's commands. */

import { type Answer, ask } from "../../stacks/ask.ts";
import { given } from "../../config/required-secret.ts";
import { caOf } from "../../config/previous-run.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { PROJECT } from "../pulumi.ts";

/** @param path below `/v1/`, encoded. @throws Error when no whole answer came */
export type VaultCall = (
  method: "GET" | "POST" | "PUT" | "DELETE" | "LIST",
  path: string,
  body?: object,
) => Promise<Answer>;

const TIMEOUT_MS = 20_000;

/**
 * @param token the program's own where absent
 * @returns undefined where the stack has no Vault. @throws Refusal where its secret setting is missing
 */
export function vaultOf({ vault, vaultToken }: StackSettings, token?: string): VaultCall | undefined {
  if (vault === undefined) return undefined;
  const { caCert } = caOf(vault, PROJECT);
  const headers = { "x-vault-token": token ?? given(vaultToken, "vaultToken", "vault") };
  return (method, path, body) =>
    ask(new URL(`${vault.address.replace(/\/+$/, "")}/v1/${path}`), {
      method,
      headers,
      timeoutMs: TIMEOUT_MS,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(caCert === undefined ? {} : { ca: caCert }),
    });
}
