/** Tells by a digest whether values are the same as in another run. */

import { createHash } from "node:crypto";

/** The SHA-256 of a value's JSON, in hexadecimal; the order of an object's keys counts. */
export const digestOfJson = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex");
