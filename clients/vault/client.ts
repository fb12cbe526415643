/** Sends requests to Vault's API with a token: JSON only, and each error names the request and the server. */

import { z } from "zod";
import { sendWithRetries } from "../http/retry.ts";
import { redactor } from "../http/redact.ts";
import { HttpFailure, type HttpReply } from "../http/send.ts";
import { ClientError } from "../client-error.ts";
import { parseJson } from "../parse-json.ts";

export interface VaultAccess {
  readonly address: string;
  readonly token: string;
  /** PEM of a private authority, where Vault's certificate comes from one. */
  readonly ca?: string;
  /** For one exchange. */
  readonly timeoutMs: number;
  /** Before the second try of a failed exchange; it doubles from there. */
  readonly pauseMs: number;
  /** What a 403 means, where the token is not the program's own. */
  readonly forbidden?: string;
}

export interface VaultRequest {
  readonly method: "GET" | "POST" | "DELETE" | "LIST";
  /** Below `/v1`. */
  readonly path: string;
  readonly body?: object;
  /** To complete "cannot …": `look up the entity of anca`. */
  readonly purpose: string;
}

export interface Vault {
  /** @returns the answer, or undefined where Vault has nothing (404, or an answer without content) */
  find<T>(request: VaultRequest, form: z.ZodType<T>, signal?: AbortSignal): Promise<T | undefined>;
  /** Does something whose answer does not matter. @returns false where Vault has no such thing */
  tell(request: VaultRequest, signal?: AbortSignal): Promise<boolean>;
}

/** An answer, or the lack of one, that stops the step. */
export class VaultError extends ClientError {
  override readonly name = "VaultError";
  /** The HTTP status; undefined where no whole answer came. */
  readonly status: number | undefined;
  /** Vault's own words. */
  readonly serverMessage: string;
  constructor(message: string, status?: number, serverMessage = "", cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.serverMessage = serverMessage;
  }
}

export function openVault(access: VaultAccess): Vault {
  const redact = redactor([access.token]);
  const exchange = async (request: VaultRequest, signal?: AbortSignal): Promise<HttpReply> => {
    const whole = {
      method: request.method,
      url: new URL(`${access.address.replace(/\/+$/, "")}/v1/${request.path}`),
      headers: { "x-vault-token": access.token, "content-type": "application/json" },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(access.ca === undefined ? {} : { ca: access.ca }),
      timeoutMs: access.timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
    return sendWithRetries(whole, { tries: 3, pauseMs: access.pauseMs }).catch((cause: unknown) => {
      if (!(cause instanceof HttpFailure)) throw cause;
      throw failed(request, undefined, redact(cause.message), "", cause);
    });
  };

  const failed = (
    request: VaultRequest,
    status: number | undefined,
    what: string,
    serverMessage: string,
    cause?: unknown,
  ) =>
    new VaultError(
      `cannot ${request.purpose}: ${request.method} ${access.address} /v1/${request.path.replace(/\?.*$/, "")}: ${what}`,
      status,
      serverMessage,
      cause,
    );

  const refused = (request: VaultRequest, reply: HttpReply): VaultError => {
    const serverMessage = redact(wordsOf(reply));
    const usual = (reply.status === 403 ? access.forbidden : undefined) ?? MEANINGS.get(reply.status) ?? "";
    const meaning = /sealed/.test(serverMessage) ? "it is sealed" : usual;
    const words = serverMessage === "" ? "" : `it says "${serverMessage}"`;
    const sentence = [`status ${reply.status}`, meaning, words].filter((part) => part !== "").join("; ");
    return failed(request, reply.status, sentence, serverMessage);
  };

  return {
    find: async (request, form, signal) => {
      const reply = await exchange(request, signal);
      if (reply.status === 204 || isOwn404(reply)) return undefined;
      if (reply.status !== 200) throw refused(request, reply);
      const parsed = form.safeParse(parseJson(reply.text));
      if (parsed.success) return parsed.data;
      const where = parsed.error.issues.map((issue) => issue.path.join(".") || "the whole").join(", ");
      throw failed(request, reply.status, `its answer is not of the expected form (at: ${where})`, "");
    },
    tell: async (request, signal) => {
      const reply = await exchange(request, signal);
      if (reply.status === 204 || reply.status === 200) return true;
      if (isOwn404(reply)) return false;
      throw refused(request, reply);
    },
  };
}

/** Does something to what Vault has. @throws VaultError where Vault says that it has no such thing: then nothing was done */
export async function change(vault: Vault, request: VaultRequest, signal: AbortSignal): Promise<void> {
  if (await vault.tell(request, signal)) return;
  throw new VaultError(`cannot ${request.purpose}: Vault has nothing at /v1/${request.path} (status 404)`, 404);
}

const errors = z.object({ errors: z.array(z.string()) });

/** Vault's own 404 is JSON with a list of errors; a proxy's page says nothing about Vault. */
const isOwn404 = (reply: HttpReply) => reply.status === 404 && errors.safeParse(parseJson(reply.text)).success;

function wordsOf(reply: HttpReply): string {
  const parsed = errors.safeParse(parseJson(reply.text));
  return parsed.success ? parsed.data.errors.join("; ") : "its answer is not Vault's; is this its own address?";
}

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [307, "this node is a standby: give the address of the active node or of the whole cluster"],
  [403, "the program's token may not do that, or is no longer valid (docs/vault.md lists the rights it needs)"],
  [429, "rate limited (429); try again later"],
]);
