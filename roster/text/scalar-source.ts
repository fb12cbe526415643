/** Carries a number or a switch of YAML together with its source text, so that a message quotes what was written. */

/** `0x10` is the number 16 to YAML; `source` is what stands in the file. */
export class UnquotedScalar {
  readonly value: number | boolean;
  readonly source: string;

  constructor(value: number | boolean, source: string) {
    this.value = value;
    this.source = source;
  }
}
