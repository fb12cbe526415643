/** Redacts secrets from the text of a server, which may repeat what it was sent, and makes it one short, harmless line. */

import { encodedForms } from "../encoded-forms.ts";

/** @param secrets what must not be shown, in whatever form it travels, nor as much of it in a row as helps to guess the rest */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.filter((secret) => secret !== "").flatMap(encodedForms))];
  const short = forms.filter((form) => form.length < PIECE).sort((a, b) => b.length - a.length);
  const pieces = new Set(forms.flatMap(piecesOf));
  const hide = (text: string) =>
    short.reduce((shown, form) => shown.split(form).join(HIDDEN), withoutPieces(text, pieces));
  return (text) => {
    const line = hide(text)
      .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
      .trim();
    // Blanks that were made one may have joined what stood apart.
    const safe = hide(line);
    return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH)}…` : safe;
  };
}

const MAX_LENGTH = 300;
const HIDDEN = "[secret]";
/** So many characters of a secret in a row are not shown. */
const PIECE = 8;

const piecesOf = (form: string): readonly string[] =>
  Array.from({ length: Math.max(0, form.length - PIECE + 1) }, (_, at) => form.slice(at, at + PIECE));

/** Every run that is covered by pieces becomes one mark. */
function withoutPieces(text: string, pieces: ReadonlySet<string>): string {
  let shown = "";
  let from = 0;
  for (let at = 0; at + PIECE <= text.length; at += 1) {
    if (!pieces.has(text.slice(at, at + PIECE))) continue;
    let end = at + PIECE;
    while (end < text.length && pieces.has(text.slice(end - PIECE + 1, end + 1))) end += 1;
    shown += text.slice(from, at) + HIDDEN;
    from = end;
    at = end - 1;
  }
  return shown + text.slice(from);
}
