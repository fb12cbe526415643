/** Compares a secret that a request carries with those that are accepted. */

import { createHash, timingSafeEqual } from "node:crypto";

/** Takes the same time whatever was right about it, and compares with every accepted secret in any case. */
export function matchesSecret(found: string | undefined, accepted: readonly string[]): boolean {
  const offered = digest(found ?? "");
  const matches = accepted.filter((secret) => timingSafeEqual(offered, digest(secret)));
  return found !== undefined && matches.length > 0;
}

const digest = (text: string) => createHash("sha256").update(text, "latin1").digest();
