/** Defines a failure that the operator can act on; it is shown as its sentence, without a stack trace. */
export class LabError extends Error {
  override readonly name: string = "LabError";
}
