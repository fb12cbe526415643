/** Carries a number, a switch or an empty value of YAML together with its source text, so that a message quotes what was written. */

/** `0x10` is the number 16 to YAML, and `Null` is nothing; `source` is what stands in the file. */
export class UnquotedScalar {
  readonly value: number | boolean | null;
  readonly source: string;

  constructor(value: number | boolean | null, source: string) {
    this.value = value;
    this.source = source;
  }
}
