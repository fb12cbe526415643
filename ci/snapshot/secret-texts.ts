/** Collects the texts of a state's secrets and finds copies of them in plain text, in every common encoding. Pure. */

import { encodedForms } from "../../clients/encoded-forms.ts";

/** A shorter text is no secret worth its name, and occurs by chance in other texts. */
const SHORTEST = 8;

export class SecretTexts {
  readonly #found = new Set<string>();
  readonly #public: ReadonlySet<string>;
  /** The encodings by their first characters: one look for each position of a text, however many secrets there are. */
  #byStart: ReadonlyMap<string, readonly string[]> | undefined;

  /** @param known texts that are no secret, wherever they stand */
  constructor(known: readonly string[] = []) {
    this.#public = new Set(known);
  }

  /** Certificates are left out: they are public, and stand in every kubeconfig. */
  add(text: string): void {
    if (text.length < SHORTEST || this.#public.has(text)) return;
    if (isCertificate(text) || isCertificate(Buffer.from(text, "base64").toString())) return;
    for (const one of [text, text.trim(), ...randomLinesOf(text)]) if (one.length >= SHORTEST) this.#found.add(one);
    this.#byStart = undefined;
  }

  /** Whether the text holds a whole secret, plain or encoded. */
  isIn(text: string): boolean {
    this.#byStart ??= startsOf(this.#found);
    for (let at = 0; at + SHORTEST <= text.length; at += 1) {
      const candidates = this.#byStart.get(text.slice(at, at + SHORTEST));
      if (candidates?.some((encoded) => text.startsWith(encoded, at))) return true;
    }
    return false;
  }
}

function startsOf(texts: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const byStart = new Map<string, string[]>();
  for (const encoded of new Set([...texts].flatMap(encodingsOf))) {
    if (encoded.length < SHORTEST) continue;
    const start = encoded.slice(0, SHORTEST);
    byStart.set(start, [...(byStart.get(start) ?? []), encoded]);
  }
  return byStart;
}

const encodingsOf = (text: string): readonly string[] => [text, ...decodedFrom(text)].flatMap(encodedForms);

/** Those of a key in PEM or of a list of tokens, which stand indented elsewhere. Other lines are words. */
const randomLinesOf = (text: string): readonly string[] => {
  const lines = text.trim().split(/\s*\n\s*/);
  return lines.length === 1
    ? []
    : lines.filter((line) => /^[A-Za-z0-9+/=_.-]{16,}$/.test(line) && !line.startsWith("-----"));
};

/** A Kubernetes Secret holds base64, and the text behind it is as secret. Short texts and names, such as its namespace's, are not. */
function decodedFrom(text: string): readonly string[] {
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(text)) return [];
  const bytes = Buffer.from(text, "base64");
  const plain = bytes.toString();
  return Buffer.from(plain).equals(bytes) && !/^[a-z0-9.-]*$/.test(plain) ? [plain] : [];
}

const isCertificate = (text: string): boolean =>
  /^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/.test(text);
