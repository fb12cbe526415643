/** Sends requests for facts, restores and forgotten sessions to root through a socket that carries nothing else. */

import { connect } from "node:net";
import type { z } from "zod";
import {
  type FactsAnswer,
  factsAnswer,
  type ForgetAnswer,
  forgetAnswer,
  type RestoreAnswer,
  restoreAnswer,
} from "../../agent/shared/facts/facts-schemas.ts";
import { concurrencyLimit } from "../concurrency-limit.ts";
import { type Choice, lineOf } from "./session-choice.ts";
import { singleFlightCache } from "./single-flight-cache.ts";

export type Answer = FactsAnswer["people"][number];
export type Restored = RestoreAnswer["people"][number];
export type Forgot = ForgetAnswer["people"][number];

export interface RootRequests {
  /** One look of a person runs at a time. After a change of theirs it is one that began after it. */
  facts(osUser: string): Promise<Answer>;
  everybody(): Promise<readonly Answer[]>;
  /**
   * A person who asks while the same restore of theirs runs gets the answer of that one; another one of theirs waits for it.
   *
   * @param choice the newest record when absent
   */
  restore(osUser: string, choice?: Choice): Promise<Restored>;
  forget(osUser: string, choice: Choice): Promise<Forgot>;
}

/** Puts one line and answers with all that comes back. */
export type SendRequest = (line: string) => Promise<string>;

const SOCKET = "/run/workstation-lobby-ask.sock";
/** A restore waits for a save or another restore that runs. */
const LATE_MS = 170_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** The socket refuses more than sixteen at a time. Restores can take minutes, so they leave half of it to the looks. */
const MOST_RESTORES = 8;
const MOST_LOOKS = 7;
/** A person who presses "reload" again and again costs one look in so long. */
const FRESH_MS = 2000;
const EVERYBODY_FRESH_MS = 15_000;

/** @param nowMs a clock @throws, by its promises, a sentence for the journal */
export function rootRequests(ask: SendRequest, nowMs: () => number): RootRequests {
  const cache = singleFlightCache(nowMs);
  const looks = concurrencyLimit(MOST_LOOKS);
  const restores = concurrencyLimit(MOST_RESTORES);
  const running = new Map<string, { readonly line: string; readonly answer: Promise<unknown> }>();
  const people = async (line: string) => parsed(factsAnswer, await looks(() => ask(line))).people;
  /** One change a person at a time: nobody holds more than one of what all share. */
  const change = <T>(osUser: string, line: string, read: (text: string) => T): Promise<T> => {
    const last = running.get(osUser);
    if (last?.line === line) return last.answer as Promise<T>;
    const turn = last === undefined ? Promise.resolve() : last.answer.then(ignored, ignored);
    const answer = turn
      .then(async () => read(await restores(() => ask(line))))
      .finally(() => {
        if (running.get(osUser)?.answer === answer) running.delete(osUser);
        cache.invalidate(`facts ${osUser}`, "everybody");
      });
    running.set(osUser, { line, answer });
    return answer;
  };
  return {
    facts: (osUser) => cache.get(`facts ${osUser}`, FRESH_MS, async () => one(await people(`facts ${osUser}`), osUser)),
    everybody: () => cache.get("everybody", EVERYBODY_FRESH_MS, () => people("everybody")),
    restore: (osUser, choice) =>
      change(osUser, lineOf("restore", osUser, choice), (text) => one(parsed(restoreAnswer, text).people, osUser)),
    forget: (osUser, choice) =>
      change(osUser, lineOf("forget", osUser, choice), (text) => one(parsed(forgetAnswer, text).people, osUser)),
  };
}

/** How the one before it ended is told to who asked for that. */
const ignored = (): void => undefined;

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
