/** Reads an exact number of bytes, or one line, from a stream. */

import type { Readable } from "node:stream";
import { Refusal } from "../../lib/errors.ts";

export class ByteReader {
  readonly #parts: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#parts = source[Symbol.asyncIterator]();
  }

  /** Hands over the next so many bytes, piece by piece. @throws Refusal when the stream ends before */
  async each(count: number, take: (part: Buffer) => void): Promise<void> {
    for (let missing = count; missing > 0; ) {
      if (this.#rest.length === 0 && !(await this.#next())) throw new Refusal("the archive is truncated");
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      take(part);
    }
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    await this.each(count, (part) => parts.push(part));
    return Buffer.concat(parts);
  }

  skip(count: number): Promise<void> {
    return this.each(count, () => undefined);
  }

  /** One line without its end; undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    const parts: Buffer[] = [];
    for (;;) {
      if (this.#rest.length === 0 && !(await this.#next())) {
        return parts.length === 0 ? undefined : Buffer.concat(parts).toString("utf8");
      }
      const end = this.#rest.indexOf(10);
      parts.push(end < 0 ? this.#rest : this.#rest.subarray(0, end));
      this.#rest = end < 0 ? Buffer.alloc(0) : this.#rest.subarray(end + 1);
      if (end >= 0) return Buffer.concat(parts).toString("utf8");
    }
  }

  /** Reads what is left, so that whoever writes is not cut off. */
  async drain(): Promise<void> {
    while (await this.#next());
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#parts.next();
    this.#rest = done === true ? Buffer.alloc(0) : value;
    return done !== true;
  }
}
