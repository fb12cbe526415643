/** Cleans texts from elsewhere for one line: without control characters and without secrets. */

import { redactor } from "../../clients/http/redact.ts";

export type Clean = (text: string) => string;

/**
 * @param secrets the stack's secret settings, whole; their lines and long words count as secret too, since a server may
 * repeat a part of one
 */
export function cleaner(secrets: readonly string[]): Clean {
  const pieces = secrets.flatMap((secret) => [
    ...(DOCUMENT.test(secret.trim()) ? [] : [secret]),
    ...secret.split(/[\s"',]+/).filter(isTelling),
  ]);
  const redact = redactor([...new Set(pieces)]);
  return (text) =>
    redact(withoutUrlUsers(text))
      .replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, " ")
      .replace(CREDENTIAL, "$1 [secret]");
}

/** Such as a kubeconfig: not every word of it is secret. */
const DOCUMENT = /\n|^[{[]/;

/** A word of a key or a token; an address in a kubeconfig is none, and errors have to name it. */
const isTelling = (word: string): boolean => word.length >= 16 && !/^[a-z]+:\/\/[^@]*$/.test(word);

const withoutUrlUsers = (text: string) => text.replace(/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s@'"]{1,1024}@/gi, "$1");

const CREDENTIAL =
  /\b(bearer|basic|(?:access_|auth_|private_)?token[:=]|passw(?:or)?d[:=]|secret[:=])\s*[^\s"',;]{6,}/gi;
