/** Sends messages to the admins' chat by a Slack-compatible webhook, with a deadline; a failure is only a warning. */

import { find } from "./environment.ts";
import { clean, logError, log } from "./log.ts";

const DEADLINE_MS = 10_000;
/** A message's lines beyond these are only counted. */
export const MAX_LINES = 30;

/**
 * Never throws: an announcement must not stop what it announces.
 * @param hook address of the chat, where it is not the step's own
 * @returns whether it arrived
 */
export async function announce(lines: readonly string[], hook?: string): Promise<boolean> {
  const shown =
    lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more lines`] : lines;
  const text = clean(shown.join("\n"));
  log(lines.join("\n"));
  try {
    const webhook = hook ?? find("WS_CHAT_WEBHOOK");
    if (webhook === undefined) throw new Error("WS_CHAT_WEBHOOK is not set");
    // The errors of fetch repeat an address that they do not take.
    if (!isPlainAddress(webhook)) throw new Error("the webhook must be a web address without a user in it");
    const answer = await fetch(webhook, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: escaped(text) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
      redirect: "error",
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`the chat answered with status ${answer.status}`);
    return true;
  } catch (cause) {
    logError(`warning: the chat message was not sent: ${(cause as Error).message}`);
    return false;
  }
}

const isPlainAddress = (text: string): boolean => URL.canParse(text) && /^https?:\/\/[^@/?#]+(?:[/?#]|$)/i.test(text);

/** In Slack's text these three begin every link and every mention. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("@", "@\u200b");
