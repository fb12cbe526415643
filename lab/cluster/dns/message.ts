/**
 * Implements the part of the DNS wire format that a cluster's names need: one question in, IPv4 addresses out (RFC
 * 1035).
 */

export interface Question {
  readonly id: number;
  /** Lower case, without the final dot. */
  readonly name: string;
  readonly type: number;
  /** The question as it came, to be repeated in the answer. */
  readonly bytes: Buffer;
}

export const TYPE_A = 1;
export const CODES = { ok: 0, serverFailure: 2, noSuchName: 3, refused: 5 } as const;

/** The question of a query, or nothing where the message is none that is understood. */
export function questionOf(message: Buffer): Question | undefined {
  const isQuery = message.length > HEADER && (message.readUInt16BE(2) & 0xf800) === 0;
  if (!isQuery || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    if (length === 0) break;
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (message.length < at + 5) return undefined;
  const name = labels.join(".").toLowerCase();
  return {
    id: message.readUInt16BE(0),
    name,
    type: message.readUInt16BE(at + 1),
    bytes: message.subarray(HEADER, at + 5),
  };
}

/** The answer to a question: a code, and for `ok` any number of IPv4 addresses. */
export function answerTo(question: Question, code: number, addresses: readonly string[] = []): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(0x8480 | code, 2); // an answer, with authority, recursion "available" so that no client minds
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc000 | HEADER, 0); // the name that was asked for
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(TTL_S, 6);
    record.writeUInt16BE(4, 10);
    address.split(".").forEach((part, index) => {
      record.writeUInt8(Number(part), 12 + index);
    });
    return record;
  });
  return Buffer.concat([header, question.bytes, ...records]);
}

const HEADER = 12;
const TTL_S = 5;
