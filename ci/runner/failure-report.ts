/** Tells the chat that a pipeline fails: once for each kind of failure, and again after it succeeded. */

import { readFile, rm, writeFile } from "node:fs/promises";
import { announce } from "../chat.ts";
import { logError } from "../log.ts";
import { readCredentials } from "./credentials.ts";
import type { RunnerSettings } from "./settings.ts";

export interface FailureReport {
  /**
   * @param reasons sentences for an operator, without secrets
   * @param kind what tells this failure from others, where the sentences also hold times and request numbers
   */
  failed(reasons: readonly string[], kind?: string): Promise<void>;
  succeeded(): Promise<void>;
}

/** Name of the chat's credential. */
const WEBHOOK = "ws_chat_webhook";

export interface ReportPlace {
  /** Holds what the chat was told since the last success, one failure a line; absent while the pipeline succeeds. */
  readonly file: string;
  /** File name of the pipeline without its ending. */
  readonly pipeline: string;
  readonly settings: RunnerSettings;
  /** See `readCredentials`. */
  readonly credentials: string;
}

export function openFailureReport({ file, pipeline, settings, credentials }: ReportPlace): FailureReport {
  return {
    failed: async (reasons, kind = reasons.join("\n")) => {
      const told = await readTold(file);
      if (settings.absent.includes(WEBHOOK) || told.includes(JSON.stringify(kind))) return;
      const webhook = await readCredentials(credentials, [WEBHOOK]).then(
        (values) => values.get(WEBHOOK),
        (cause: Error) => logError(`warning: the chat message was not sent: ${cause.message}`),
      );
      if (webhook === undefined) return;
      const title = `The pipeline ${pipeline} of the stack ${settings.stack} fails (journalctl -u workstation-${pipeline}):`;
      const isTold = await announce(
        [title, ...reasons.flatMap((reason) => reason.split("\n")).map((line) => `  ${line}`)],
        webhook,
      );
      if (isTold)
        await writeFile(file, `${[...told, JSON.stringify(kind)].slice(-MAX_TOLD).join("\n")}\n`, { mode: 0o600 });
    },
    succeeded: () => rm(file, { force: true }),
  };
}

const MAX_TOLD = 100;

const readTold = (file: string): Promise<readonly string[]> =>
  readFile(file, "utf8").then(
    (text) => text.split("\n").filter((line) => line !== ""),
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return [];
      throw cause;
    },
  );
