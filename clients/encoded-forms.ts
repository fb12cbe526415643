/** Lists the forms in which a text travels in the messages of servers and programs: as it is, in JSON, in an address, in base64. */

/**
 * Without a form twice. Base64 stands there for each place in a group of three bytes that the text may have in other bytes, without the
 * characters that depend on these.
 */
export function encodedForms(text: string): readonly string[] {
  // Of text that is not well formed, which has no escaped form, what a server would get.
  const bytes = Buffer.from(text);
  const inJson = JSON.stringify(text).slice(1, -1);
  const forms = [
    ...[text, inJson, JSON.stringify(inJson).slice(1, -1), escapedForHtml(inJson), bytes.toString("hex")],
    ...UNESCAPED.flatMap((kept) => inAddress(bytes, kept)),
    ...(["base64", "base64url"] as const).flatMap((alphabet) =>
      [0, 1, 2].map((before) => inBase64(bytes, alphabet, before)),
    ),
  ];
  return [...new Set(forms)].filter((form) => form !== "");
}

/** Go's `encoding/json` writes these so, since JSON may stand in a page. */
const escapedForHtml = (json: string): string =>
  json.replace(/[&<>\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * Which signs besides letters, digits and `-_.~` are left as they are: none in Go's `url.QueryEscape`; in JavaScript's
 * `encodeURIComponent`; in a path and in a user of Go's `net/url` (`shouldEscape`).
 */
const UNESCAPED = ["", "!'()*", "$&+=:@", "$&+,;="];

/** With both cases of the hexadecimal digits, and a blank as `%20` and as `+`. */
function inAddress(bytes: Buffer, kept: string): readonly string[] {
  const escaped = [...bytes]
    .map((byte) => {
      const sign = String.fromCharCode(byte);
      const isPlain = /[A-Za-z0-9_.~-]/.test(sign) || kept.includes(sign);
      return isPlain ? sign : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
  const each = [escaped, escaped.replaceAll("%20", "+")];
  return [...each, ...each.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
}

/** The first character that the text alone decides, and the last. */
function inBase64(bytes: Buffer, alphabet: "base64" | "base64url", before: number): string {
  const all = Buffer.concat([Buffer.alloc(before), bytes]);
  return all.toString(alphabet).slice(Math.ceil((before * 8) / 6), Math.floor((all.length * 8) / 6));
}
