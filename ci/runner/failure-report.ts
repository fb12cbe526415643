/** Tells the chat that a pipeline fails: once, and again only when it fails in another way or after it succeeded. */

import { readFile, rm, writeFile } from "node:fs/promises";
import { announce } from "../chat.ts";
import { logError } from "../log.ts";
import { readCredentials } from "./credentials.ts";
import type { RunnerSettings } from "./settings.ts";

export interface FailureReport {
  /** @param reasons sentences for an operator, without secrets */
  failed(reasons: readonly string[]): Promise<void>;
  succeeded(): Promise<void>;
}

/** Name of the chat's credential. */
const WEBHOOK = "ws_chat_webhook";

export interface ReportPlace {
  /** Holds what the chat was told last; absent while the pipeline succeeds. */
  readonly file: string;
  /** File name of the pipeline without its ending. */
  readonly pipeline: string;
  readonly settings: RunnerSettings;
  /** See `readCredentials`. */
  readonly credentials: string;
}

export function openFailureReport({ file, pipeline, settings, credentials }: ReportPlace): FailureReport {
  return {
    failed: async (reasons) => {
      const text = reasons.join("\n");
      if (settings.absent.includes(WEBHOOK) || (await readTold(file)) === text) return;
      const webhook = await readCredentials(credentials, [WEBHOOK]).then(
        (values) => values.get(WEBHOOK),
        (cause: Error) => logError(`warning: the chat message was not sent: ${cause.message}`),
      );
      if (webhook === undefined) return;
      const title = `The pipeline ${pipeline} of the stack ${settings.stack} fails (journalctl -u workstation-${pipeline}):`;
      const isTold = await announce([title, ...text.split("\n").map((line) => `  ${line}`)], webhook);
      if (isTold) await writeFile(file, text, { mode: 0o600 });
    },
    succeeded: () => rm(file, { force: true }),
  };
}

const readTold = (file: string): Promise<string | undefined> =>
  readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  });
