/** Decides about one request by its header lines alone: who it is from, and what the dashboard may see of it. */

import { comparableHeaderName } from "../../../../clients/http/header-name.ts";
import { isOfForeignPage, isOfOwnPage } from "../../../../clients/http/browser-origin-headers.ts";
import { matchesSecret } from "../../../../clients/http/compare-shared-secret.ts";
import type { TokenForm } from "./contract.ts";

/** What the gate goes by. */
export interface FilterRules {
  /** Where browsers find the dashboard: `https://host`, or with a port. */
  readonly origin: string;
  readonly identityHeader: string;
  readonly tokens: ReadonlyMap<string, string>;
  readonly handOn: TokenForm;
  readonly admitted?: { readonly header: string; readonly separator: string; readonly groups: readonly string[] };
  readonly sharedSecret?: { readonly header: string; readonly accepted: readonly string[] };
  readonly passHeaders: readonly string[];
}

export type Verdict =
  | { readonly kind: "admit"; readonly identity: string; readonly headers: ReadonlyMap<string, readonly string[]> }
  | {
      readonly kind: "refuse";
      readonly status: number;
      /** For the log. */
      readonly reason: string;
      /** For the person, where the status alone does not tell them. */
      readonly sentence?: string;
    };

/**
 * @param mayChange whether it is a handshake or its method is not a safe one: then a page of the dashboard must have made it.
 *   Else no other page may have fetched it.
 */
export type RequestFilter = (rawHeaders: readonly string[], mayChange: boolean) => Verdict;

/**
 * A request is let in when the identity stands in exactly one line that says it exactly, and is known.
 * What goes on to the dashboard is a list of what may (never of what may not): a header that this program has not heard
 * of cannot carry rights past it. The client's cookies and credentials never go on.
 */
export function requestFilter(rules: FilterRules): RequestFilter {
  const guards = [rules.identityHeader, rules.admitted?.header, rules.sharedSecret?.header]
    .filter((header) => header !== undefined)
    .map((header) => header.toLowerCase());
  const foldedGuards = new Map(guards.map((guard) => [comparableHeaderName(guard), guard]));
  const pass = new Set([...USUAL_HEADERS, ...rules.passHeaders.map((header) => header.toLowerCase())]);
  const identityHeader = rules.identityHeader.toLowerCase();

  return (rawHeaders, mayChange) => {
    if (rawHeaders.length / 2 > MAX_LINES) return refuse(431, "too many header lines");
    const lines = new Map<string, string[]>();
    for (const [name, value] of pairs(rawHeaders)) {
      const guard = foldedGuards.get(comparableHeaderName(name));
      if (guard !== undefined && guard !== name) return refuse(400, `a header that looks like ${guard}`);
      lines.set(name, [...(lines.get(name) ?? []), value]);
    }
    for (const name of [...guards, "host", "content-length", "transfer-encoding", "upgrade"]) {
      if ((lines.get(name)?.length ?? 0) > 1) return refuse(400, `more than one ${name} header`);
    }
    const coding = lines.get("transfer-encoding")?.[0];
    if (coding !== undefined && coding.toLowerCase() !== "chunked") return refuse(400, "an unknown transfer coding");
    if (!lines.has("host")) return refuse(400, "no host header");

    const { sharedSecret, admitted } = rules;
    const proof = sharedSecret === undefined ? undefined : lines.get(sharedSecret.header.toLowerCase())?.[0];
    if (sharedSecret !== undefined && !matchesSecret(proof, sharedSecret.accepted))
      return refuse(403, "not from the ingress");
    const identity = lines.get(identityHeader)?.[0];
    if (identity === undefined || identity === "") return refuse(401, "no identity");
    const token = rules.tokens.get(identity);
    if (token === undefined) return refuse(403, "unknown identity");
    if (admitted !== undefined) {
      const groups = (lines.get(admitted.header.toLowerCase())?.[0] ?? "").split(admitted.separator);
      if (!groups.some((group) => admitted.groups.includes(group)))
        return refuse(403, "in none of the admitted groups");
    }
    const isOwn = (origin: string) => origin === rules.origin;
    // What another page fetches would use up what its reader may have open.
    if (mayChange ? !isOfOwnPage(rawHeaders, isOwn) : isOfForeignPage(rawHeaders))
      return { ...refuse(403, "cross-origin request"), sentence: otherPage(rules.origin) };
    const headers = new Map(
      [...lines].filter(([name]) => pass.has(name) && name !== sharedSecret?.header.toLowerCase()),
    );
    dropForeignTokens(headers);
    for (const [name, value] of credentials(rules.handOn, token)) headers.set(name, [value]);
    return { kind: "admit", identity, headers };
  };
}

/** More than any browser sends; a request beyond it is none of a browser's. */
const MAX_LINES = 100;

/** What browsers send and dashboards read. `connection` and `upgrade` are written anew and never handed on. */
const USUAL_HEADERS = [
  "host",
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-type",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-unmodified-since",
  "origin",
  "pragma",
  "range",
  "referer",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "user-agent",
  "x-csrf-token",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-requested-with",
] as const;

/** The API server takes a bearer token out of a web socket's list of protocols too. */
function dropForeignTokens(headers: Map<string, readonly string[]>): void {
  const offered = headers.get("sec-websocket-protocol");
  if (offered === undefined) return;
  const kept = offered
    .flatMap((line) => line.split(","))
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "" && !/^base64url\.bearer\./i.test(protocol));
  if (kept.length > 0) headers.set("sec-websocket-protocol", [kept.join(", ")]);
  else headers.delete("sec-websocket-protocol");
}

const credentials = (handOn: TokenForm, token: string): readonly (readonly [string, string])[] =>
  handOn.kind === "header" ? [["authorization", `Bearer ${token}`]] : [["cookie", `${handOn.name}=${token}`]];

const refuse = (status: number, reason: string) => ({ kind: "refuse", status, reason }) as const;

const otherPage = (origin: string) => `This was not asked for by a page of ${origin}, so nothing was done.`;

function* pairs(raw: readonly string[]): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < raw.length; i += 2) yield [(raw[i] ?? "").toLowerCase(), raw[i + 1] ?? ""];
}
