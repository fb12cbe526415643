/** Collects the texts of a state's secrets and finds copies of them in plain text, in every common encoding. Pure. */

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
    this.#found.add(text);
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

function encodingsOf(text: string): readonly string[] {
  const inJson = JSON.stringify(text).slice(1, -1);
  return [
    ...[text, inJson, JSON.stringify(inJson).slice(1, -1), encodeURIComponent(Buffer.from(text).toString())],
    ...[Buffer.from(text).toString("hex"), ...base64Of(text), ...decodedFrom(text)],
  ];
}

/** What base64 makes of a text that stands within another: by each place in a group of three bytes, without the ends that others share. */
const base64Of = (text: string): readonly string[] =>
  (["base64", "base64url"] as const).flatMap((alphabet) =>
    [0, 1, 2].map((before) => {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
      const whole = Math.floor(bytes.length / 3) * 4;
      return bytes.toString(alphabet).slice(before === 0 ? 0 : before + 1, whole);
    }),
  );

/** A Kubernetes Secret holds base64, and the text behind it is as secret. Short texts and names, such as its namespace's, are not. */
function decodedFrom(text: string): readonly string[] {
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(text)) return [];
  const bytes = Buffer.from(text, "base64");
  const plain = bytes.toString();
  return Buffer.from(plain).equals(bytes) && !/^[a-z0-9.-]*$/.test(plain) ? [plain] : [];
}

const isCertificate = (text: string): boolean =>
  /^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/.test(text);
