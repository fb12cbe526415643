/**
 * Renders the assistant's machine-wide settings: the stack's keys, the organisation's guidance, and long retention of
 * transcripts.
 */

import { z } from "zod";
import type { BasePart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import { parseJson } from "../../lib/parse-json.ts";

/** The tool deletes transcripts after 30 days by itself, and a restore resumes them; 0 would stop them being written. */
const KEEP_TRANSCRIPTS_DAYS = 3650;

/** Notes which conversation a tmux pane is in, also after a clear, when only the tool itself knows the new one. */
export const SESSION_START = "/usr/lib/workstation/session-start";

/**
 * The exact text of `/etc/claude-code/managed-settings.json`, keys sorted.
 *
 * @throws Refusal when the delivered settings are no JSON object; what is deployed stays.
 */
export function managedSettings(part: Pick<BasePart, "guidance" | "managedSettings">): string {
  const delivered = parseJson(part.managedSettings, "the delivered managed settings");
  if (typeof delivered !== "object" || delivered === null || Array.isArray(delivered)) {
    throw new Refusal("the delivered managed settings must be a JSON object; the installed ones were left unchanged");
  }
  const settings = new Map<string, unknown>(Object.entries(delivered));
  const days = settings.get("cleanupPeriodDays");
  if (typeof days !== "number" || !(days > 30)) settings.set("cleanupPeriodDays", KEEP_TRANSCRIPTS_DAYS);
  settings.set("claudeMd", part.guidance);
  settings.set("hooks", withSessionStart(settings.get("hooks")));
  const sorted = [...settings].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`;
}

/** The stack's own hooks stay. @throws Refusal when they are not of the form that the tool reads. */
function withSessionStart(delivered: unknown): unknown {
  const hooks = hooksSchema.safeParse(delivered ?? {});
  if (!hooks.success)
    throw new Refusal(
      "the hooks in the delivered managed settings are malformed; the installed settings were left unchanged",
    );
  const ours = { hooks: [{ type: "command", command: SESSION_START }] };
  return { ...hooks.data, SessionStart: [...(hooks.data.SessionStart ?? []), ours] };
}

const hooksSchema = z.looseObject({ SessionStart: z.array(z.unknown()).optional() });
