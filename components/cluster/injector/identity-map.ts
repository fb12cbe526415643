/** Splits the map from identity to token into pieces that each fit into one Secret. */

import { createHash } from "node:crypto";
import type { AuthentikUser } from "../../../roster/model.ts";

/** One Secret: its place in the row of them, and who is in it. */
export interface MapPiece {
  readonly index: number;
  readonly identities: readonly AuthentikUser[];
}

/**
 * A Secret may hold 1 MiB, and a token has about 1 kB; the longest identity has 128 bytes. Half of that is used, so that
 * a cluster with longer names or keys fits as well.
 */
const PER_PIECE = 400;

/** @returns at least one piece, in the order of the names: the same people, the same pieces */
export function mapPieces(identities: readonly AuthentikUser[]): readonly MapPiece[] {
  const sorted = [...identities].sort();
  const count = Math.max(1, Math.ceil(sorted.length / PER_PIECE));
  return Array.from({ length: count }, (_, index) => ({
    index,
    identities: sorted.slice(index * PER_PIECE, (index + 1) * PER_PIECE),
  }));
}

/** @returns a JSON object. An identity named `__proto__` is a key like any other here and when it is read. */
export const mapText = (entries: readonly (readonly [AuthentikUser, string])[]): string =>
  JSON.stringify(Object.fromEntries(entries));

/** Changes with any byte of what it is made from; tokens cannot be guessed from it, since each is far longer than a guess. */
export const digestOf = (texts: readonly string[]): string => {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:`).update(text);
  return hash.digest("hex");
};
