/** Inputs of a resource as a provider reads them, the secret ones too. */

/** The wire form of a secret is an object with a signature and the value. */
export function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (typeof value !== "object" || value === null) return value;
  if (SIGNATURE in value && "value" in value) return unwrapped(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrapped(inner)]));
}

const SIGNATURE = "4dabf18193072939515e22adb298388d";
