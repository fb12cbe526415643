/** Sends messages to the admins' chat by a Slack-compatible webhook, with a deadline; a failure is only a warning. */

import { send } from "../clients/http/send.ts";
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
    // An address that is none would be repeated by the error.
    if (!isPlainAddress(webhook)) throw new Error("the webhook must be a web address without a user in it");
    const { status } = await send({
      method: "POST",
      url: new URL(webhook),
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: escaped(text) }),
      timeoutMs: DEADLINE_MS,
    });
    if (status < 200 || status > 299) throw new Error(`the chat answered with status ${status}`);
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
