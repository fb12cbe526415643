/** Runs the step `credentials`: renews the periodic tokens of Vault, and warns of tokens that end within 30 days. */

import { z } from "zod";
import { openStack } from "../cli/stack/open-stack.ts";
import { vaultOf } from "../cli/stack/vault-client.ts";
import { readKubeconfig } from "../clients/kubernetes/kubeconfig.ts";
import { parseJson } from "../clients/parse-json.ts";
import { type Vault, VaultError } from "../clients/vault/client.ts";
import { announce } from "./chat.ts";
import { stackOfPipeline } from "./engine.ts";
import { find } from "./environment.ts";
import { log } from "./log.ts";

const WARN_MS = 30 * 86_400_000;

/** @returns 1 where a token could not be renewed; the chat is told of that and of each warning */
export async function credentials(): Promise<number> {
  const { settings } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const previewToken = find("WS_PREVIEW_VAULT_TOKEN");
  const vaults = [
    ["the deployment's token of Vault (vaultToken)", vaultOf(settings)],
    ["the previews' token of Vault (ws_preview_vault_token)", previewToken && vaultOf(settings, previewToken)],
  ] as const;
  const kubeconfigs = [
    ["the deployment's kubeconfig", settings.kubeconfig],
    ["the previews' kubeconfig (ws_preview_kubeconfig)", find("WS_PREVIEW_KUBECONFIG")],
  ] as const;
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [name, vault] of vaults) {
    if (!vault) continue;
    const renewed = await renewToken(vault);
    if ("problem" in renewed) problems.push(`${name} was not renewed: ${renewed.problem}`);
    else warnings.push(...endWarning(name, renewed.endsAt));
  }
  for (const [name, text] of kubeconfigs) if (text !== undefined) warnings.push(...endWarning(name, tokenEnd(text)));
  const lines = [...problems, ...warnings];
  if (lines.length === 0) log("Every credential is valid for 30 days or more.");
  else await announce([`Credentials of the stack ${stackOfPipeline()}:`, ...lines.map((line) => `  ${line}`)]);
  return problems.length > 0 ? 1 : 0;
}

const token = z.object({
  data: z.object({
    renewable: z.boolean(),
    /** Seconds; absent for a token that is not periodic. */
    period: z.number().optional(),
    /** Null for a token that never ends. */
    expire_time: z.iso.datetime({ offset: true }).nullish(),
  }),
});

/**
 * A periodic token lives on only as long as it is renewed within its period; any other ends whatever is done.
 * @returns when the token ends, where nothing renews it
 */
export async function renewToken(
  vault: Vault,
): Promise<{ readonly endsAt: number | undefined } | { readonly problem: string }> {
  try {
    const request = {
      method: "GET",
      path: "auth/token/lookup-self",
      purpose: "look up the program's own token",
    } as const;
    const found = (await vault.find(request, token))?.data;
    if (found === undefined) return { problem: "Vault does not know its own tokens; is this its own address?" };
    if (!found.renewable || found.period === undefined)
      return { endsAt: found.expire_time ? Date.parse(found.expire_time) : undefined };
    const renewal = {
      method: "POST",
      path: "auth/token/renew-self",
      purpose: "renew the program's own token",
    } as const;
    await vault.tell(renewal);
    return { endsAt: undefined };
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    return { problem: cause.message };
  }
}

const claims = z.object({ exp: z.number() });

/** The `exp` claim of a kubeconfig's token; undefined for a client certificate, and for a token that names no end. */
export function tokenEnd(kubeconfig: string): number | undefined {
  const [, payload = ""] = readKubeconfig(kubeconfig).token?.split(".") ?? [];
  const parsed = claims.safeParse(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
  return parsed.success ? parsed.data.exp * 1000 : undefined;
}

/** Exported for the tests. */
export function endWarning(name: string, endsAt: number | undefined, nowMs = Date.now()): readonly string[] {
  if (endsAt === undefined || endsAt - nowMs > WARN_MS) return [];
  return [`${name} ends on ${new Date(endsAt).toISOString().slice(0, 10)}: replace it before (docs/deployment.md)`];
}
