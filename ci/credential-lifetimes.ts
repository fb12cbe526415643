/** Runs the step `credentials`: renews the periodic tokens of Vault, and warns of credentials that end within 30 days. */

import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { openStack } from "../cli/stack/open-stack.ts";
import { PAUSE_MS, TIMEOUT_MS, vaultOf } from "../cli/stack/vault-client.ts";
import { readKubeconfig } from "../clients/kubernetes/kubeconfig.ts";
import { parseJson } from "../clients/parse-json.ts";
import { openVault, type Vault, VaultError } from "../clients/vault/client.ts";
import { announce } from "./chat.ts";
import { stackOfPipeline } from "./engine.ts";
import { find, StepError } from "./environment.ts";
import { log } from "./log.ts";

const WARN_MS = 30 * 86_400_000;

/** @returns 1 where a token could not be renewed; the chat is told of that and of each warning */
export async function credentials(): Promise<number> {
  const { settings } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const previewToken = find("WS_PREVIEW_VAULT_TOKEN");
  const vaults = [
    ["the deployment's token of Vault (vaultToken)", vaultOf(settings)],
    ["the previews' token of Vault (ws_preview_vault_token)", previewToken && vaultOf(settings, previewToken)],
    ["the token of the state's secrets provider (ws_state_environment)", await secretsProviderVault(process.env)],
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
  for (const [name, text] of kubeconfigs)
    if (text !== undefined) warnings.push(...endWarning(name, kubeconfigEnd(text)));
  const lines = [...problems, ...warnings];
  if (lines.length === 0) log("Every credential is valid for 30 days or more.");
  else await announce([`Credentials of the stack ${stackOfPipeline()}:`, ...lines.map((line) => `  ${line}`)]);
  return problems.length > 0 ? 1 : 0;
}

/**
 * The Vault whose key opens the stack's secrets, by the variables that the engine itself reads.
 * @returns undefined where the secrets provider is another one
 * @throws StepError where the certificate of its authority cannot be read
 */
export async function secretsProviderVault(variables: NodeJS.ProcessEnv): Promise<Vault | undefined> {
  const address = variables.VAULT_SERVER_URL ?? variables.VAULT_ADDR;
  const token = variables.VAULT_SERVER_TOKEN ?? variables.VAULT_TOKEN;
  if (!address || !token) return undefined;
  const file = variables.VAULT_CACERT;
  const ca = file
    ? await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
        throw new StepError(`VAULT_CACERT: ${file} cannot be read (${cause.code}).`, { cause });
      })
    : undefined;
  return openVault({
    ...{ address, token, timeoutMs: TIMEOUT_MS, pauseMs: PAUSE_MS },
    ...(ca === undefined ? {} : { ca }),
  });
}

const token = z.object({
  data: z.object({
    renewable: z.boolean(),
    /** Seconds; absent for a token that is not periodic. */
    period: z.number().optional(),
    /** Null for a token that never ends. */
    expire_time: z.iso.datetime({ offset: true }).nullish(),
    /** Seconds since 1970. */
    creation_time: z.number(),
    /** Seconds; 0 for a token that may be renewed for ever. */
    explicit_max_ttl: z.number(),
  }),
});

/**
 * A periodic token lives on as long as it is renewed within its period, up to its explicit limit; any other ends
 * whatever is done.
 * @returns when the token ends, in milliseconds since 1970, where no renewal changes that
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
    const { creation_time: created, explicit_max_ttl: limit } = found;
    return { endsAt: limit === 0 ? undefined : (created + limit) * 1000 };
  } catch (cause) {
    if (!(cause instanceof VaultError)) throw cause;
    return { problem: cause.message };
  }
}

const claims = z.object({ exp: z.number() });

/**
 * When the credential of a kubeconfig ends: a token by its `exp` claim, a client certificate by its last moment.
 * @returns milliseconds since 1970; undefined for a token that names no end
 * @throws StepError for a certificate that cannot be read
 */
export function kubeconfigEnd(kubeconfig: string): number | undefined {
  const { token: bearer, clientCertificate } = readKubeconfig(kubeconfig);
  if (bearer === undefined) return clientCertificate && certificateEnd(clientCertificate.cert);
  const [, payload = ""] = bearer.split(".");
  const parsed = claims.safeParse(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
  return parsed.success ? parsed.data.exp * 1000 : undefined;
}

function certificateEnd(pem: Buffer): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch (cause) {
    throw new StepError("workstation:kubeconfig: its client certificate is no certificate in PEM.", { cause });
  }
}

/** Exported for the tests. */
export function endWarning(name: string, endsAt: number | undefined, nowMs = Date.now()): readonly string[] {
  if (endsAt === undefined || endsAt - nowMs > WARN_MS) return [];
  return [`${name} ends on ${new Date(endsAt).toISOString().slice(0, 10)}: replace it before (docs/deployment.md)`];
}
