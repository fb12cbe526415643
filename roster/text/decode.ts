/**
 * Decodes bytes to text, or finds the position at which they stop being text. Everything after it may trust length and
 * characters.
 */

import type { Position } from "../model.ts";
import { codePointOf } from "./quote.ts";

const MIB = 1024 * 1024;

export type Decoded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly at: Position; readonly message: string };

/**
 * UTF-8 without control characters, at most `limitMiB` large (the default fits a roster of several thousand people).
 * A byte order mark is dropped. Takes any bytes, and any string that claims to be text already.
 */
export function decode(source: Uint8Array | string, limitMiB = 1): Decoded {
  const bytes = typeof source === "string" ? new TextEncoder().encode(source) : source;
  if (bytes.length > limitMiB * MIB) {
    const found = (bytes.length / MIB).toFixed(1);
    return refuse(
      { line: 1, column: 1 },
      `the file holds ${found} MiB; ${limitMiB} MiB is the limit, enough for thousands of people`,
    );
  }
  if (isWiderThanBytes(bytes))
    return refuse({ line: 1, column: 1 }, "the file is saved as UTF-16 or UTF-32; save it as UTF-8");
  const text = typeof source === "string" ? source.replace(/^\ufeff/, "") : textOf(bytes);
  if (typeof text !== "string") return refuse(text.at, "a byte here is not UTF-8; save the file as UTF-8");
  const bad = FORBIDDEN.exec(text);
  if (bad === null) return { ok: true, text };
  return refuse(
    positionAt(text, bad.index),
    `the character ${codePointOf(bad[0])} has no place in a text file; delete it`,
  );
}

/** Control characters other than tab, line feed, carriage return and next line, halves of pairs, and non-characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is its purpose
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]|\p{Cs}/u;

const refuse = (at: Position, message: string): Decoded => ({ ok: false, at, message });

/** Bytes looked at: more of them make the answer no surer. */
const LOOKED_AT = 1024;

/**
 * UTF-16 or UTF-32, of which Windows editors and PowerShell's redirection write the first. A byte order mark says so;
 * without one, half of the bytes of nearly ASCII text are zero.
 */
function isWiderThanBytes(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const sample = bytes.subarray(0, LOOKED_AT);
  return sample.length > 1 && sample.filter((byte) => byte === 0).length >= 0.4 * sample.length;
}

function textOf(bytes: Uint8Array): string | { readonly at: Position } {
  const strict = new TextDecoder("utf-8", { fatal: true });
  try {
    return strict.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  // Two nearly equal texts part where the first bad byte stands: the lax decoder puts U+FFFD there, the bytes do not spell it.
  const lax = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(lax);
  let same = 0;
  while (same < bytes.length && bytes[same] === again[same]) same++;
  const before = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, same));
  return { at: positionAt(before, before.length) };
}

/** Line and column of an offset, both from 1. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
