/** Tells the chat that a pipeline fails: once a day for each kind of failure, and again after it succeeded. */

import { readFile, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { announce } from "../chat.ts";
import { parseJson } from "../../clients/parse-json.ts";
import { logError } from "../log.ts";
import { readCredentials } from "./credentials.ts";
import type { RunnerSettings } from "./settings.ts";

export interface FailureReport {
  /** Never throws: it must not hide what failed. @param reasons sentences for an operator, without secrets */
  failed(reasons: readonly string[]): Promise<void>;
  succeeded(): Promise<void>;
}

/** Name of the chat's credential. */
const WEBHOOK = "ws_chat_webhook";

const AGAIN_AFTER_MS = 24 * 3_600_000;
/** Messages within an hour, whatever the kinds: a server may put something new into each of its errors. */
const MAX_PER_HOUR = 5;

export interface ReportPlace {
  /** Holds what the chat was told; absent while the pipeline succeeds. */
  readonly file: string;
  /** File name of the pipeline without its ending. */
  readonly pipeline: string;
  readonly settings: RunnerSettings;
  /** See `readCredentials`. */
  readonly credentials: string;
  readonly nowMs: () => number;
}

export function openFailureReport({ file, pipeline, settings, credentials, nowMs }: ReportPlace): FailureReport {
  const tell = async (reasons: readonly string[]) => {
    const now = nowMs();
    const told = (await readTold(file)).filter(({ atMs }) => now - atMs < AGAIN_AFTER_MS);
    const kind = kindOf(reasons.join("\n"));
    const recent = told.filter(({ atMs }) => now - atMs < 3_600_000).length;
    if (told.some((one) => one.kind === kind) || recent >= MAX_PER_HOUR) return;
    const webhook = (await readCredentials(credentials, [WEBHOOK])).get(WEBHOOK);
    const title = `The pipeline ${pipeline} of the stack ${settings.stack} fails (journalctl -u workstation-${pipeline}):`;
    const lines = reasons.flatMap((reason) => reason.split("\n")).map((line) => `  ${line}`);
    if (await announce([title, ...lines], webhook))
      await writeFile(file, JSON.stringify([...told, { kind, atMs: now }]), { mode: 0o600 });
  };
  return {
    failed: async (reasons) => {
      if (settings.absent.includes(WEBHOOK)) return;
      await tell(reasons).catch((cause: Error) => logError(`warning: the chat message was not sent: ${cause.message}`));
    },
    succeeded: () => rm(file, { force: true }),
  };
}

/**
 * The text without what differs between two failures of one kind: times, ports, names of temporary files, numbers of a
 * request. A status of three digits stays.
 */
export const kindOf = (text: string): string =>
  text
    .replace(/[A-Za-z0-9+/=_-]{6,}/g, (word) => (isRandom(word) ? "…" : word))
    .replace(/\d[\d.:,]*/g, (number) => (/^\d{3}[.:,]?$/.test(number) ? number : "…"));

const isRandom = (word: string): boolean =>
  (/\d/.test(word) && /[a-z]/i.test(word)) || (word.length >= 12 && /[a-z][A-Z]|[A-Z][a-z]/.test(word));

const told = z.array(z.object({ kind: z.string(), atMs: z.number() }));

/** Of another version's file nothing is taken: the chat is told once more. */
const readTold = (file: string): Promise<z.output<typeof told>> =>
  readFile(file, "utf8").then(
    (text) => told.safeParse(parseJson(text)).data ?? [],
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return [];
      throw cause;
    },
  );
