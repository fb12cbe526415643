/** The machine-wide settings of the assistant: the stack's keys, the organisation's guidance, transcripts kept for long. */

import type { BasePart } from "../contract.ts";
import { Refusal } from "../refusal.ts";
import { jsonOf } from "./store.ts";

/** The tool deletes transcripts after 30 days by itself, and a restore resumes them; 0 would stop them being written. */
const KEEP_TRANSCRIPTS_DAYS = 3650;

/**
 * The exact text of `/etc/claude-code/managed-settings.json`, keys sorted.
 *
 * @throws Refusal when the delivered settings are no JSON object; what is deployed stays.
 */
export function managedSettings(part: Pick<BasePart, "guidance" | "managedSettings">): string {
  const given = jsonOf(part.managedSettings, "the delivered managed settings");
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new Refusal("the delivered managed settings are no JSON object; what is deployed stays");
  }
  const settings = new Map<string, unknown>(Object.entries(given));
  const days = settings.get("cleanupPeriodDays");
  if (typeof days !== "number" || !(days > 30)) settings.set("cleanupPeriodDays", KEEP_TRANSCRIPTS_DAYS);
  settings.set("claudeMd", part.guidance);
  const sorted = [...settings].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`;
}
