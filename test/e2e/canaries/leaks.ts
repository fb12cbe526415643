/**
 * Finds canary secrets in a text in whatever form they may have travelled: as they are, escaped, encoded, or a piece of
 * them.
 */

/** A planted secret by what it is. */
export type Canaries = ReadonlyMap<string, string>;

/** So many characters in a row of a random secret are no accident, and enough to go on from. */
const PIECE = 10;

/**
 * @returns the names of the secrets of which something stands in the text, each with the form it was found in
 */
export function leaksIn(text: string, canaries: Canaries): readonly string[] {
  return [...canaries].flatMap(([name, secret]) => {
    const form = formsOf(secret).find(([, pieces]) => pieces.some((piece) => text.includes(piece)));
    return form === undefined ? [] : [`${name} (${form[0]})`];
  });
}

const formsOf = (secret: string): readonly (readonly [form: string, pieces: readonly string[]])[] => [
  ["as it is, or a piece of it", windows(secret)],
  ["in base64", aligned(secret, "base64")],
  ["in base64url", aligned(secret, "base64url")],
  ["in hexadecimal", [Buffer.from(secret).toString("hex")]],
  ["escaped for a URL", [encodeURIComponent(secret)]],
  ["escaped for JSON", [JSON.stringify(secret).slice(1, -1)]],
  ["escaped twice", [JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1)]],
];

/** Steps of half a piece would miss nothing of twice the length; single steps miss nothing at all. */
function windows(secret: string): readonly string[] {
  const plain = secret.replaceAll("\n", "");
  const count = Math.max(1, plain.length - PIECE + 1);
  return Array.from({ length: count }, (_, at) => plain.slice(at, at + PIECE));
}

/** Base64 of a text that stands within another one depends on where it begins: three ways, without their ragged ends. */
const aligned = (secret: string, encoding: "base64" | "base64url"): readonly string[] =>
  [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString(encoding);
    return encoded.slice(offset === 0 ? 0 : 4, Math.floor((Buffer.byteLength(secret) + offset) / 3) * 4);
  });
