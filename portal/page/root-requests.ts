/** Asks root for facts and restores through a socket that carries three requests. */

import { connect } from "node:net";
import type { z } from "zod";
import {
  type FactsAnswer,
  factsAnswer,
  type RestoreAnswer,
  restoreAnswer,
} from "../../agent/shared/facts/facts-schemas.ts";

export type Answer = FactsAnswer["people"][number];
export type Restored = RestoreAnswer["people"][number];

export interface RootRequests {
  facts(osUser: string): Promise<Answer>;
  everybody(): Promise<readonly Answer[]>;
  restore(osUser: string): Promise<Restored>;
}

/** Puts one line and answers with all that comes back. */
export type SendRequest = (line: string) => Promise<string>;

const SOCKET = "/run/workstation-lobby-ask.sock";
/** A restore waits for a save or another restore that runs. */
const LATE_MS = 170_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** @param nowMs a clock @throws, by its promises, a sentence for the journal */
export function rootRequests(ask: SendRequest, nowMs: () => number): RootRequests {
  const told = shortMemory(nowMs);
  const people = async (line: string) => parsed(factsAnswer, await ask(line)).people;
  return {
    facts: (osUser) => told(`facts ${osUser}`, FRESH_MS, async () => one(await people(`facts ${osUser}`), osUser)),
    everybody: () => told("everybody", EVERYBODY_FRESH_MS, () => people("everybody")),
    async restore(osUser) {
      const answer = parsed(restoreAnswer, await ask(`restore ${osUser}`));
      told.forget();
      return one(answer.people, osUser);
    },
  };
}

/** A person who presses "reload" again and again costs one look in so long. */
const FRESH_MS = 2000;
const EVERYBODY_FRESH_MS = 15_000;

function shortMemory(nowMs: () => number) {
  const kept = new Map<string, { readonly untilMs: number; readonly value: Promise<unknown> }>();
  const told = <T>(key: string, freshMs: number, find: () => Promise<T>): Promise<T> => {
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > nowMs()) return known.value as Promise<T>;
    const value = find();
    kept.set(key, { untilMs: nowMs() + freshMs, value });
    // A failure is not kept: the next one asks again.
    value.catch(() => kept.delete(key));
    return value;
  };
  return Object.assign(told, { forget: () => kept.clear() });
}

function parsed<T>(schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error("root gave no answer; the journal of workstation-lobby-ask@ tells why", { cause });
  }
  return schema.parse(value);
}

/** An answer about anybody else is none. */
function one<T extends { readonly who: string }>(people: readonly T[], osUser: string): T {
  const [found, second] = people;
  if (found?.who !== osUser || second !== undefined) throw new Error(`the answer is not about ${osUser}`);
  return found;
}

export const requestThroughSocket: SendRequest = (line) =>
  new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const socket = connect(SOCKET, () => socket.write(`${line}\n`));
    const late = setTimeout(() => socket.destroy(new Error("root did not answer in time")), LATE_MS);
    socket.on("data", (piece) => {
      bytes += piece.length;
      if (bytes > MOST_BYTES) socket.destroy(new Error("root's answer is too long"));
      else pieces.push(piece);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(late);
      resolve(Buffer.concat(pieces).toString("utf8"));
    });
  });
