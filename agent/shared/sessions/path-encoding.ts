/** Encodes paths as text: those that are not UTF-8 in base64, so that every path survives. */

/** A longer path, or name of a session, is not recorded. */
export const LONGEST_TEXT = 16_384;

const ENCODED = "base64:";

/** @example pathText(Buffer.from("/home/ana")) === "/home/ana" */
export function pathText(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  const plain = Buffer.from(text, "utf8").equals(bytes) && !text.startsWith(ENCODED);
  return plain ? text : `${ENCODED}${bytes.toString("base64")}`;
}

export function pathBytes(text: string): Buffer {
  return text.startsWith(ENCODED) ? Buffer.from(text.slice(ENCODED.length), "base64") : Buffer.from(text, "utf8");
}
