/** Defines the error for operators, which is printed as one sentence without a stack. Every other error is a bug. */

export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** The code of a system error (`ENOENT`), or undefined for anything that is not one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What to tell about an error: a bug keeps its stack, so that it can be found; everything else is a sentence. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Refusal || systemCode(error) !== undefined) return error.message;
  return error.stack ?? error.message;
}

/** Why a read is refused; undefined where it is not. What else it throws passes through. */
export function refusalOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}
