/** Sends the portal's replies: pages, JSON and files, each with the same headers. A look is rendered once for all who wait for it. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Html } from "./html.ts";

export type Reply =
  | { readonly status: number; readonly page: Html }
  | { readonly status: number; readonly json: unknown }
  | { readonly status: number; readonly content: Content }
  | { readonly status: 303; readonly location: string };

export interface Content {
  readonly bytes: Buffer;
  readonly type: string;
  /** A file that is asked for by what is in it, as the pages do, may be kept. */
  readonly isFile: boolean;
}

const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

/** By what it was rendered from, and for whom. */
const rendered = new WeakMap<object, Map<string, Content>>();

/**
 * Renders the facts of one look once, however many requests share the look; its bytes are shared, too.
 *
 * @param reader who reads it, if that makes a difference
 */
export function renderOnce(facts: object, reader: object | undefined, render: () => Html): Content {
  return once(facts, `page ${JSON.stringify(reader)}`, () => content(HTML, render().text));
}

/** The same as JSON. @param json made of the facts alone */
export function jsonOnce(facts: object, json: () => unknown): Content {
  return once(facts, "json", () => content(JSON_TYPE, jsonText(json())));
}

function once(facts: object, form: string, make: () => Content): Content {
  const forms = rendered.get(facts) ?? new Map<string, Content>();
  rendered.set(facts, forms);
  const found = forms.get(form) ?? make();
  forms.set(form, found);
  return found;
}

const content = (type: string, text: string): Content => ({ bytes: Buffer.from(text), type, isFile: false });
const jsonText = (value: unknown): string => `${JSON.stringify(value)}\n`;

export function contentOf(reply: Reply): Content {
  if ("content" in reply) return reply.content;
  if ("location" in reply) return content("text/plain; charset=utf-8", "");
  return "page" in reply ? content(HTML, reply.page.text) : content(JSON_TYPE, jsonText(reply.json));
}

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  if ("location" in reply) response.setHeader("location", reply.location);
  const { bytes, type, isFile } = contentOf(reply);
  response.writeHead(reply.status, {
    "content-type": type,
    "content-length": bytes.length,
    "cache-control": isFile && (request.url ?? "").includes("?v=") ? "private, max-age=86400" : "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}
