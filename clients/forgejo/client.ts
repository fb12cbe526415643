/**
 * Sends requests to the forge's API with basic credentials: JSON only, and each error names the request and the server.
 */

import type { z } from "zod";
import { sendWithRetries } from "../http/retry.ts";
import { redactor } from "../http/redact.ts";
import { HttpFailure, type HttpReply, type HttpRequest } from "../http/send.ts";
import { ClientError } from "../client-error.ts";
import { parseJson } from "../parse-json.ts";

export interface ForgeAccess {
  /** Base address, without `/api/v1`. */
  readonly url: string;
  readonly username: string;
  /** The account's password: an access token cannot create access tokens. */
  readonly password: string;
  /** PEM of a private authority, where the forge's certificate comes from one. */
  readonly ca?: string;
  /** For one exchange. */
  readonly timeoutMs: number;
  /** Before the second try of a failed exchange; it doubles from there. */
  readonly pauseMs: number;
}

export interface ForgeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Segments below `/api/v1`; each is encoded, so a name can never become a path. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** What this is for, to complete "cannot …": `list the collaborators of ops/infra`. */
  readonly purpose: string;
  /** What an answer that is no success means here, by status; without an entry it is told as it came. */
  readonly meaning?: Readonly<Record<number, string>>;
}

/** Every answer is JSON of the asked form, or `absent` where that was allowed. */
export interface Forge {
  /** @throws ForgeError unless the answer is a success of that form */
  ask<T>(forgeRequest: ForgeRequest, form: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  /** The same; a 404 that the forge itself said (and not some proxy) is undefined. */
  find<T>(forgeRequest: ForgeRequest, form: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined>;
  /** Where the answer has no content. @returns false for the forge's own 404 */
  tell(forgeRequest: ForgeRequest, signal: AbortSignal): Promise<boolean>;
  /** A page of a listing, with how many there are in all where the forge says so. */
  page<T>(
    forgeRequest: ForgeRequest,
    form: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<{ items: T; total: number | undefined }>;
}

/** An answer, or the lack of one, that stops the step. */
export class ForgeError extends ClientError {
  override readonly name = "ForgeError";
  /** The HTTP status; undefined where no whole answer came. */
  readonly status: number | undefined;
  /** Segments below `/api/v1` of the forge itself, where it answers that the thing has another name now. */
  readonly movedTo: readonly string[] | undefined;
  constructor(message: string, status?: number, cause?: unknown, movedTo?: readonly string[]) {
    super(message, { cause });
    this.status = status;
    this.movedTo = movedTo;
  }
}

export function openForge(access: ForgeAccess): Forge {
  const credentials = Buffer.from(`${access.username}:${access.password}`).toString("base64");
  const redact = redactor([access.password, credentials]);
  const headers = { authorization: `Basic ${credentials}`, accept: "application/json" };

  const exchange = async (forgeRequest: ForgeRequest, signal: AbortSignal): Promise<HttpReply> => {
    const url = new URL(
      `${access.url.replace(/\/+$/, "")}/api/v1/${forgeRequest.path.map(encodeURIComponent).join("/")}`,
    );
    for (const [name, value] of Object.entries(forgeRequest.query ?? {})) url.searchParams.set(name, value);
    const request: HttpRequest = {
      method: forgeRequest.method,
      url,
      headers: forgeRequest.body === undefined ? headers : { ...headers, "content-type": "application/json" },
      ...(forgeRequest.body === undefined ? {} : { body: JSON.stringify(forgeRequest.body) }),
      ...(access.ca === undefined ? {} : { ca: access.ca }),
      timeoutMs: access.timeoutMs,
      signal,
    };
    return sendWithRetries(request, { tries: 3, pauseMs: access.pauseMs }).catch((cause: unknown) => {
      if (!(cause instanceof HttpFailure)) throw cause;
      throw new ForgeError(failure(forgeRequest, redact(cause.message)), undefined, cause);
    });
  };

  const failure = (forgeRequest: ForgeRequest, what: string) =>
    `cannot ${forgeRequest.purpose}: ${forgeRequest.method} ${access.url} /${forgeRequest.path.join("/")} as ${access.username}: ${what}`;

  const refused = (forgeRequest: ForgeRequest, reply: HttpReply): ForgeError => {
    const json = jsonOf(reply);
    const serverMessage = messageOf(json);
    const meaning = json === undefined ? undefined : forgeRequest.meaning?.[reply.status];
    const sentence = meaning ?? MEANINGS.get(reply.status) ?? "";
    const movedTo = isRedirect(reply) ? apiSegments(reply.headers.get("location"), access.url) : undefined;
    const words =
      movedTo !== undefined
        ? `it is called /${movedTo.join("/")} there now`
        : json === undefined
          ? NOT_JSON
          : serverMessage === ""
            ? ""
            : `it says "${redact(serverMessage)}"`;
    return new ForgeError(
      failure(forgeRequest, [`status ${reply.status}`, sentence, words].filter((part) => part !== "").join("; ")),
      reply.status,
      undefined,
      movedTo,
    );
  };

  const read = <T>(forgeRequest: ForgeRequest, form: z.ZodType<T>, reply: HttpReply): T => {
    const json = jsonOf(reply);
    if (json === undefined)
      throw new ForgeError(failure(forgeRequest, `status ${reply.status}; ${NOT_JSON}`), reply.status);
    const parsed = form.safeParse(json.value);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map((issue) => issue.path.join(".") || "the whole").join(", ");
    throw new ForgeError(failure(forgeRequest, `its answer is not of the expected form (at: ${where})`), reply.status);
  };

  const find = async <T>(
    forgeRequest: ForgeRequest,
    form: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T | undefined> => {
    const reply = await exchange(forgeRequest, signal);
    if (isSuccess(reply)) return read(forgeRequest, form, reply);
    if (isOwn404(reply)) return undefined;
    throw refused(forgeRequest, reply);
  };

  return {
    find,
    ask: async (forgeRequest, form, signal) => {
      const reply = await exchange(forgeRequest, signal);
      if (isSuccess(reply)) return read(forgeRequest, form, reply);
      throw refused(forgeRequest, reply);
    },
    tell: async (forgeRequest, signal) => {
      const reply = await exchange(forgeRequest, signal);
      if (reply.status === 204) return true;
      if (isOwn404(reply)) return false;
      throw refused(forgeRequest, reply);
    },
    page: async (forgeRequest, form, signal) => {
      const reply = await exchange(forgeRequest, signal);
      if (!isSuccess(reply)) throw refused(forgeRequest, reply);
      const total = Number(reply.headers.get("x-total-count") ?? Number.NaN);
      return { items: read(forgeRequest, form, reply), total: Number.isInteger(total) ? total : undefined };
    },
  };
}

const isSuccess = ({ status }: HttpReply) => status >= 200 && status < 300 && status !== 204;

const isRedirect = ({ status }: HttpReply) => [301, 302, 303, 307, 308].includes(status);

/** The target of a redirect, which is never followed; undefined unless it stays within the API of this very forge. */
function apiSegments(location: string | undefined, base: string): readonly string[] | undefined {
  const api = new URL(`${base.replace(/\/+$/, "")}/api/v1/`);
  if (location === undefined || !URL.canParse(location, api.href)) return undefined;
  const { origin, pathname } = new URL(location, api);
  if (origin !== api.origin || !pathname.startsWith(api.pathname)) return undefined;
  const segments = pathname.slice(api.pathname.length).split("/");
  // A name of the forge is made of characters that a path holds as they are.
  return segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment)) ? segments : undefined;
}

/** A 404 page of a proxy says nothing about the forge: only a JSON answer does. */
const isOwn404 = (reply: HttpReply) => reply.status === 404 && jsonOf(reply) !== undefined;

function jsonOf(reply: HttpReply): { readonly value: unknown } | undefined {
  if (!(reply.headers.get("content-type") ?? "").includes("json")) return undefined;
  const value = parseJson(reply.text);
  return value === undefined ? undefined : { value };
}

function messageOf(json: { readonly value: unknown } | undefined): string {
  const value = json?.value;
  if (typeof value !== "object" || value === null || !("message" in value)) return "";
  return typeof value.message === "string" ? value.message : "";
}

const NOT_JSON = "its answer is not JSON: is this the forge's own address, or does something before it want a login?";

const MEANINGS: ReadonlyMap<number, string> = new Map([
  ...[301, 302, 303, 307, 308].map(
    (status) =>
      [status, "it is redirected; credentials are sent only to the configured address: set its final address"] as const,
  ),
  [
    401,
    "the credentials are not accepted: check the name and password in the stack's configuration (a second factor cannot be used here)",
  ],
  [403, "this account may not do that: it has to be an administrator of the forge"],
  [404, "there is no such thing, or this account may not see it"],
  [429, "rate limited; try again later"],
]);
