/**
 * A stack's state without its secrets, for previews: whoever can read it, and the passphrase of its place, learns none. Pure.
 */

import { z } from "zod";

/** How the engine marks a secret value in an exported state. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** What stands in a secret's place. */
export const WITHHELD = "withheld";

const exported = z.looseObject({
  version: z.number(),
  deployment: z.looseObject({ resources: z.array(z.unknown()).optional() }),
});

/**
 * @param text `pulumi stack export --show-secrets`
 * @param salt of the place that it goes to, as its stack's file holds it
 * @param instead the program's credentials, and the ones of a preview in their place: so that a preview does not take
 * another credential for another server
 * @throws Error for a state of a form that is not known, or one in which a secret is still encrypted
 */
export function withoutSecrets(text: string, instead: ReadonlyMap<string, string>, salt: string): string {
  const state = exported.parse(JSON.parse(text));
  const { secrets_providers: _, pending_operations: __, ...deployment } = state.deployment;
  const own = { secrets_providers: { type: "passphrase", state: { salt } } };
  return JSON.stringify({ ...state, deployment: { ...(scrubbed(deployment, instead) as object), ...own } });
}

function scrubbed(value: unknown, instead: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, instead));
  if (typeof value !== "object" || value === null) return value;
  const map = value as Readonly<Record<string, unknown>>;
  if (map[SIGNATURE] !== SECRET)
    return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, scrubbed(item, instead)]));
  if (typeof map.plaintext !== "string") throw new Error("the exported state holds a secret that is still encrypted");
  return { [SIGNATURE]: SECRET, plaintext: JSON.stringify(hidden(JSON.parse(map.plaintext), instead)) };
}

/** The form stays, every text in it goes: a preview compares forms, too. */
function hidden(value: unknown, instead: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return instead.get(value) ?? WITHHELD;
  if (Array.isArray(value)) return value.map((item) => hidden(item, instead));
  if (typeof value !== "object" || value === null) return typeof value === "number" ? 0 : value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hidden(item, instead)]));
}
