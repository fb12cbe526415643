/** Parses JSON that comes from elsewhere, where text that is not JSON is an answer to deal with and no bug. */

/** @returns undefined where the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
