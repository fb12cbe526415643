/** Defines the error for the operator: a sentence that says what is wrong and how to fix it. Anything else thrown is a bug. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
