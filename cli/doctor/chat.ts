/** Checks the admins' chat as far as that is possible without a message: the name and the certificate of its webhook. */

import { addressChecks, type Lookups } from "./addresses.ts";
import { type Check, missing, type Target, untried } from "./model.ts";

/** @param webhook a secret: only its origin is shown */
export async function chatChecks(webhook: string | undefined, lookups: Lookups, now: Date): Promise<readonly Check[]> {
  const nowhere: Target = { surface: "chat", where: "webhook", who: "" };
  if (webhook === undefined || webhook === "") {
    return [
      untried(
        nowhere,
        "webhook",
        "WS_CHAT_WEBHOOK is not set here",
        "set it for this command as the pipelines have it",
      ),
    ];
  }
  if (!URL.canParse(webhook) || !/^https?:$/.test(new URL(webhook).protocol)) {
    return [
      missing(nowhere, "webhook", {
        found: "WS_CHAT_WEBHOOK is not a web address",
        expected: "the address of a Slack-compatible webhook",
        remedy: "make a webhook in the chat, and set WS_CHAT_WEBHOOK to its address",
      }),
    ];
  }
  const url = new URL(new URL(webhook).origin);
  const target: Target = { ...nowhere, where: url.origin };
  const reached = await addressChecks([{ setting: "WS_CHAT_WEBHOOK", url, isDeclared: false }], now, lookups);
  return [
    ...reached.map((check): Check => ({ ...check, surface: "chat" })),
    untried(
      target,
      "webhook",
      "only a message shows whether the chat takes it",
      "the first deployment announces itself",
    ),
  ];
}
