/** Runs the step `credentials`: renews the periodic tokens of Vault, and warns of credentials that end within 30 days. */

import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { openStack } from "../cli/stack/open-stack.ts";
import { PAUSE_MS, TIMEOUT_MS, vaultOf } from "../cli/stack/vault-client.ts";
import { readKubeconfig } from "../clients/kubernetes/kubeconfig.ts";
import { parseJson } from "../clients/parse-json.ts";
import { openVault, type Vault } from "../clients/vault/client.ts";
import { announce } from "./chat.ts";
import { stackOfPipeline } from "./engine.ts";
import { find, StepError } from "./environment.ts";
import { log } from "./log.ts";
import { isForOperators } from "./redaction/redact-failure.ts";

const WARN_MS = 30 * 86_400_000;

/** @returns 1 where a credential could not be looked at or renewed; the chat is told of that and of each warning */
export async function credentials(): Promise<number> {
  const { settings } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const previewToken = find("WS_PREVIEW_VAULT_TOKEN");
  const previewKubeconfig = find("WS_PREVIEW_KUBECONFIG");
  const ofVault = async (name: string, vault: Vault | undefined) =>
    vault === undefined ? [] : tokenWarnings(name, await renewToken(vault));
  const ofKubeconfig = async (name: string, kubeconfig: string | undefined) =>
    kubeconfig === undefined ? [] : endWarning(name, kubeconfigEnd(kubeconfig));
  const checks: Readonly<Record<string, (name: string) => Promise<readonly string[]>>> = {
    "the deployment's token of Vault (vaultToken)": async (name) => ofVault(name, vaultOf(settings)),
    "the previews' token of Vault (ws_preview_vault_token)": async (name) =>
      ofVault(name, previewToken ? vaultOf(settings, previewToken) : undefined),
    "the token of the state's secrets provider (ws_state_environment)": async (name) =>
      ofVault(name, await secretsProviderVault(process.env)),
    "the deployment's kubeconfig": (name) => ofKubeconfig(name, settings.kubeconfig),
    "the previews' kubeconfig (ws_preview_kubeconfig)": (name) => ofKubeconfig(name, previewKubeconfig),
  };
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      warnings.push(...(await check(name)));
    } catch (cause) {
      if (!isForOperators(cause)) throw cause;
      problems.push(`${name}: ${cause.message}`);
    }
  }
  const lines = [...problems, ...warnings];
  if (lines.length === 0) log("Every credential that the deployment knows is valid for 30 days or more.");
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
    /** Whether no other token's end revokes it. */
    orphan: z.boolean(),
    /** 0 for a token that may be used without limit. */
    num_uses: z.number(),
  }),
});

/** What a look at a token of Vault, and its renewal, found. */
export interface TokenLifetime {
  /** Milliseconds since 1970; undefined where nothing but the following ends it. */
  readonly endsAt: number | undefined;
  /** Whether it is revoked with the token that made it. */
  readonly hasParent: boolean;
  /** Whether it ends after so many uses. */
  readonly isCounted: boolean;
  /** Whether it may end between two daily runs. */
  readonly isShort: boolean;
}

/**
 * A periodic token lives on as long as it is renewed within its period, up to its explicit limit; any other ends
 * whatever is done.
 * @throws VaultError where it cannot be looked up or renewed
 */
export async function renewToken(vault: Vault): Promise<TokenLifetime> {
  const lookup = { method: "GET", path: "auth/token/lookup-self", purpose: "look up the program's own token" } as const;
  const found = (await vault.find(lookup, token))?.data;
  if (found === undefined) throw new StepError("Vault does not know its own tokens; is this its own address?");
  const { renewable, period, expire_time: end, creation_time: created, explicit_max_ttl: limit } = found;
  const rest = {
    hasParent: !found.orphan,
    isCounted: found.num_uses > 0,
    isShort: renewable && (period ?? DAYS_2) < DAYS_2,
  };
  if (!renewable || period === undefined) return { ...rest, endsAt: end ? Date.parse(end) : undefined };
  await vault.tell({ method: "POST", path: "auth/token/renew-self", purpose: "renew the program's own token" });
  return { ...rest, endsAt: limit === 0 ? undefined : (created + limit) * 1000 };
}

/** Seconds. */
const DAYS_2 = 172_800;

/** Exported for the tests. */
export const tokenWarnings = (
  name: string,
  { endsAt, hasParent, isCounted, isShort }: TokenLifetime,
): readonly string[] => [
  ...endWarning(name, endsAt),
  ...(isShort
    ? [`${name} must be renewed more than once a day: replace it by one with a period of two days or more`]
    : []),
  ...(hasParent
    ? [`${name} is revoked with the token that made it: replace it by one made with -orphan (docs/deployment.md)`]
    : []),
  ...(isCounted
    ? [`${name} ends after a number of uses: replace it by one without -use-limit (docs/deployment.md)`]
    : []),
];

const claims = z.object({ exp: z.number() });

/**
 * When the credential of a kubeconfig ends: a token by its `exp` claim, a client certificate by its last moment.
 * @returns milliseconds since 1970; undefined for a token that names no end
 * @throws StepError for a certificate that cannot be read
 */
export function kubeconfigEnd(kubeconfig: string): number | undefined {
  const { token: bearer = "", clientCertificate } = readKubeconfig(kubeconfig);
  const [, payload = ""] = bearer.split(".");
  const parsed = claims.safeParse(parseJson(Buffer.from(payload, "base64url").toString("utf8")));
  const ends = [
    ...(parsed.success ? [parsed.data.exp * 1000] : []),
    ...(clientCertificate === undefined ? [] : [certificateEnd(clientCertificate.cert)]),
  ];
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function certificateEnd(pem: Buffer): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch (cause) {
    throw new StepError("its client certificate must be one in PEM.", { cause });
  }
}

/** Exported for the tests. */
export function endWarning(name: string, endsAt: number | undefined, nowMs = Date.now()): readonly string[] {
  if (endsAt === undefined || endsAt - nowMs > WARN_MS) return [];
  return [`${name} ends on ${new Date(endsAt).toISOString().slice(0, 10)}: replace it before (docs/deployment.md)`];
}
