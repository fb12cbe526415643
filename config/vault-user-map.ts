/** Reads the cluster's user map from Vault, before anything is declared. A map that cannot be read is unknown, never empty. */

import { z } from "zod";
import { sendWithRetries } from "../clients/http/retry.ts";
import type { HttpRequest } from "../clients/http/send.ts";
import { parseJson } from "../clients/parse-json.ts";
import { caOf } from "./ca-certificate.ts";
import type { PreviousRun } from "./previous-run.ts";
import { Refusal } from "./refusal.ts";
import { requiredSecret } from "./required-secret.ts";
import type { StackSettings } from "./settings/stack-settings.ts";
import type { VaultSettings } from "./settings/vault.ts";

/** What it takes to ask. */
export interface UserMapSource {
  readonly settings: Pick<VaultSettings, "address" | "kvMount" | "userMap" | "unreachable">;
  /** The program's own token. */
  readonly token: string;
  /** PEM of the authority of Vault's certificate. */
  readonly ca?: string;
}

export interface ReadOptions {
  readonly preview: boolean;
  /** The secret's version that a former run has used: an older one is a replica that lags, or a restored backup. */
  readonly seenVersion?: number;
  /** For one try; there are three. */
  readonly timeoutMs?: number;
  /** Before the second try; it doubles from there. */
  readonly pauseMs?: number;
}

/** The map's JSON text, or, in a preview that may go on without it, why it is unknown. */
export type UserMapText =
  | { readonly isRead: true; readonly text: string; readonly file: string; readonly version: number }
  | { readonly isRead: false; readonly warning: string };

/**
 * @param folder the project's, where the file of Vault's authority is looked for
 * @returns undefined where the stack has no Vault
 * @throws Refusal where the map cannot be read, unless this is a preview and the stack lets previews go on
 */
export async function userMapFromVault(
  { vault, vaultToken, userMapFile }: Pick<StackSettings, "vault" | "vaultToken" | "userMapFile">,
  { userMapVersion }: PreviousRun,
  { preview, folder = "." }: { readonly preview: boolean; readonly folder?: string },
): Promise<UserMapText | undefined> {
  if (vault === undefined || userMapFile !== undefined) return undefined;
  const token = requiredSecret(vaultToken, "vaultToken", "vault");
  const { caCert } = caOf(vault, folder);
  return readUserMap(
    { settings: vault, token, ...(caCert === undefined ? {} : { ca: caCert }) },
    { preview, ...(userMapVersion === undefined ? {} : { seenVersion: userMapVersion }) },
  );
}

/** @throws Refusal in an update always, and in a preview unless the stack says `unreachable: warn-in-preview` */
export async function readUserMap(source: UserMapSource, options: ReadOptions): Promise<UserMapText> {
  try {
    return { isRead: true, ...(await read(source, options)) };
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    const tolerated = options.preview && source.settings.unreachable === "warn-in-preview";
    if (!tolerated) throw cause;
    return {
      isRead: false,
      warning: `${cause.message} This preview goes on without the user map; an update would stop here.`,
    };
  }
}

async function read(source: UserMapSource, { seenVersion, timeoutMs = 10_000, pauseMs = 300 }: ReadOptions) {
  const { address, kvMount, userMap } = source.settings;
  const file = `${kvMount}/${userMap.path}, field ${userMap.field}`;
  const refuse = (what: string): Refusal =>
    new Refusal(`The user map cannot be read from Vault at ${address} (${file}): ${what}. Nothing was changed.`);

  const url = new URL(`${address.replace(/\/+$/, "")}/v1/${kvMount}/data/${userMap.path}`);
  // A short outage is no reason to stop a deployment.
  const answer = await sendWithRetries(requestOf(url, source, timeoutMs), { tries: 3, pauseMs }).catch(
    (cause: Error) => {
      throw refuse(`it cannot be reached (${cause.message}); check the address and whether Vault runs`);
    },
  );
  const body = parseJson(answer.text);
  if (body === undefined) throw refuse("its answer is not JSON; something else answers at that address");
  const stated = secretForm.safeParse(body);
  const metadata = stated.success ? stated.data.data?.metadata : undefined;
  if (answer.status === 404 && metadata !== undefined) {
    throw refuse(
      `version ${metadata.version} of the secret was ${metadata.destroyed ? "destroyed" : "deleted"}; undelete it or write a new one`,
    );
  }
  if (answer.status !== 200) throw refuse(meaningOf(answer.status, body));
  const fields = stated.success ? stated.data.data?.data : undefined;
  if (metadata === undefined || fields === undefined || fields === null) {
    throw refuse("its answer is no secret of a KV store of version 2; check the mount");
  }
  const text = fields[userMap.field];
  if (typeof text !== "string") throw refuse(`the secret has no text field ${userMap.field}`);
  const map = parseJson(text);
  if (typeof map !== "object" || map === null || Array.isArray(map))
    throw refuse("the field's text is not a JSON object");
  if (seenVersion !== undefined && metadata.version < seenVersion) {
    throw refuse(
      `version ${metadata.version} came although version ${seenVersion} was in use before; a replica lags behind, or a ` +
        "backup was restored. Try again, or write the map anew so that its version rises",
    );
  }
  return { text, file, version: metadata.version };
}

const secretForm = z.object({
  data: z
    .object({
      data: z.record(z.string(), z.unknown()).nullish(),
      metadata: z.object({ version: z.int(), destroyed: z.boolean().default(false) }),
    })
    .optional(),
});

const requestOf = (url: URL, { token, ca }: UserMapSource, timeoutMs: number): HttpRequest => ({
  method: "GET",
  url,
  headers: { "x-vault-token": token },
  timeoutMs,
  ...(ca === undefined ? {} : { ca }),
});

/** Vault says little and always in the same words, so these can be told apart. Its words are not repeated. */
function meaningOf(status: number, body: unknown): string {
  const text = JSON.stringify(body);
  if (text.includes("sealed")) return "it is sealed; unseal it";
  if (status === 307 || status === 308 || status === 472 || status === 473 || text.includes("not active")) {
    return "this node is a standby that does not answer; give the address of the active node or of the whole cluster";
  }
  if (status === 403)
    return "the program's token may not read it, or is no longer valid; renew the token or its policy";
  if (status === 404) return "there is no such secret; check the mount and the path";
  if (status === 429) return "rate limited (429); try again later";
  return `it answers with status ${status}`;
}
