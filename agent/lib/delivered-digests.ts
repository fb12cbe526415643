/** Computes digests of delivered parts, alike where they are delivered from and on the host, so that both can be compared. */

import { createHash } from "node:crypto";
import { z } from "zod";

/** By the name of the part (`base`, `account.ada`), and the agent's own checksum as `agent`; SHA-256 in hexadecimal. */
export const deliveredDigests = z.record(
  z.string().regex(/^(agent|base|maps|(account|clones|units)\.[a-z_][a-z0-9_-]{0,31})$/),
  z.string().regex(/^[0-9a-f]{64}$/),
);
export type DeliveredDigests = z.output<typeof deliveredDigests>;

/** How a host's delivered parts differ from what the deployment delivered; every list is empty where they do not. */
export const deliveryComparison = z.strictObject({
  /** Held in another version, such as an older one. */
  different: z.array(z.string()),
  missing: z.array(z.string()),
  /** Held, and not delivered by the deployment. */
  unexpected: z.array(z.string()),
});
export type DeliveryComparison = z.output<typeof deliveryComparison>;

/** Neither the order of keys nor white space counts; a key whose value is undefined counts as absent, as in JSON. */
export const digestOf = (part: unknown): string => createHash("sha256").update(canonical(part)).digest("hex");

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, of]) => of !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, of]) => `${JSON.stringify(key)}:${canonical(of)}`).join(",")}}`;
}
