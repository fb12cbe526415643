/**
 * Implements `ws-me [--json]`: prints a user's own workstation status from the file that root publishes and from what
 * they can see themselves.
 */

import { clean } from "../../lib/log.ts";
import { bytesOf, clonesWithNotes, restorableOf, formatSize, savedText } from "../../shared/facts/format.ts";
import type { HostFacts, OwnFacts } from "../../shared/facts/facts-schemas.ts";
import { collectOwnFacts } from "./collect-facts.ts";
import { ownFile } from "./own-file.ts";

/** Exit code 0. @throws Refusal for a user about whom nothing was delivered to this host. */
export async function printOwnStatus(json: boolean): Promise<number> {
  const { known: facts, task } = ownFile();
  const seen = await collectOwnFacts(task);
  if (json) process.stdout.write(`${JSON.stringify({ ...facts, restorable: restorableOf(seen), now: seen })}\n`);
  else for (const line of linesOf(facts, seen, Date.now())) process.stdout.write(`${clean(line)}\n`);
  return 0;
}

/** Exported for the tests: what is printed. */
export function linesOf(facts: HostFacts, seen: OwnFacts, nowMs: number): readonly string[] {
  const { ports, limits, sessions, notes, contact } = facts;
  const restorable = restorableOf(seen);
  const clones = clonesWithNotes(seen.clones, notes?.says ?? []);
  const running =
    "failed" in seen.sessions ? `cannot be asked: ${seen.sessions.failed}` : listed(seen.sessions.running);
  const rows: readonly (readonly [string, string])[] = [
    ["workstation", `${facts.osUser} on ${facts.host}${facts.state === "parked" ? ", PARKED: no services run" : ""}`],
    ["sessions", running],
    ...(restorable.length === 0
      ? []
      : [
          [
            "not running",
            `${listed(restorable)}; \`ws-me restore\` brings them back, \`ws-me records\` lists what was saved before`,
          ] as const,
        ]),
    ["saved", savedText(sessions, "failed" in seen.sessions ? undefined : seen.sessions.running.length, nowMs)],
    ...(ports === undefined ? [] : [["ports", `code server ${ports.t3}, browser ${ports.browser}`] as const]),
    ["memory", `${bytesOf(seen.memoryBytes)}${limits === undefined ? "" : ` of ${formatSize(limits.memory)}`}`],
    ...(limits === undefined
      ? []
      : [
          ["limits", `cpu ${limits.cpu}, ${limits.tasks} tasks, ${formatSize(limits.paneMemory)} a tmux pane`] as const,
        ]),
    ...clones.clones.map(({ path, state, why }) => [path, why ?? STATES[state]] as const),
    ...clones.others.map((sentence) => ["clones", sentence] as const),
    ...facts.failures.map(({ part, why }) => ["failed", `${part}: ${why}`] as const),
    ["ask", contact ?? "an admin of this host"],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

const STATES: Readonly<Record<OwnFacts["clones"][number]["state"], string>> = {
  fresh: "up to date with what was fetched",
  behind: "behind; the next hourly run updates it",
  kept: "left as it is",
  missing: "not there yet; the next hourly run tries again",
};

const listed = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));
