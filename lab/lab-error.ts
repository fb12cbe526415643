/** A failure that the person at the keyboard can act on; it is shown as its sentence, without a stack. */
export class LabError extends Error {
  override readonly name: string = "LabError";
}
