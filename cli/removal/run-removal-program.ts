/** Runs the removal program of a host over SSH and parses its answer, one line of JSON, or reports its error. */

import { z } from "zod";
import { parseJson } from "../../clients/parse-json.ts";
import { Refusal } from "../../config/refusal.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Host, onHost } from "../../clients/ssh/run-command.ts";

/** What one host would lose, as it says. */
export const shown = z.object({
  user: z.string(),
  host: z.string(),
  account: z.object({ uid: z.int(), home: z.string(), adopted: z.boolean() }).optional(),
  refused: z.array(z.string()),
  removedOn: z.string().optional(),
  unfinished: z.string().optional(),
  home: z.object({ things: z.int(), bytes: z.number(), sockets: z.int() }).optional(),
  clones: z.array(
    z.object({
      clone: z.string(),
      uncommitted: z.int(),
      unpushed: z.int(),
      stashes: z.int(),
      unknown: z.string().optional(),
    }),
  ),
  files: z.array(z.string()),
  archives: z.object({ folder: z.string(), freeBytes: z.number(), there: z.array(z.string()) }),
});
export type Shown = z.output<typeof shown>;

export const archived = z.object({ archive: z.string(), sha256: z.string(), entries: z.int() });
export const done = z.object({ removed: z.string(), archive: z.string().nullable() });
export const kept = z.object({ kept: z.string() });
export const restored = z.object({ folder: z.string(), entries: z.int(), tamed: z.int().default(0) });

/** A home of half a terabyte takes its time. */
const LONGEST_MS = 6 * 3_600_000;

/** @throws Refusal with the host's own sentence, or HostUnreached */
export async function runRemovalProgram<T>(
  settings: StackSettings,
  host: Host,
  words: readonly string[],
  form: z.ZodType<T>,
  stdin?: string,
): Promise<T> {
  const argv = ["/usr/local/sbin/workstation-remove", ...words];
  const { code, stdout, stderr } = await onHost(settings, host, {
    argv,
    timeoutMs: LONGEST_MS,
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (code !== 0) throw new Refusal(`${host.name}: ${sentence(stderr) || `ended with ${code ?? "a signal"}`}`);
  const answer = form.safeParse(parseJson(stdout));
  if (answer.success) return answer.data;
  throw new Refusal(
    `${host.name}: answered in a form that this program does not know; deploy to it, so that it has the same version`,
  );
}

const sentence = (stderr: string): string =>
  stderr
    .split("\n")
    .map((line) => line.replace(/^workstation-remove: /, "").trim())
    .filter((line) => line !== "")
    .join("\n  ");
