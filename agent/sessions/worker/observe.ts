/** What runs now: every session with its directory and the conversation that is certainly its own. */

import { readlinkSync } from "node:fs";
import { systemCode } from "../../refusal.ts";
import { chooseConversations, type Evidence } from "../choose.ts";
import { CONVERSATION_ID } from "../conversation-id.ts";
import type { Observation, ObservedSession } from "../model.ts";
import { pathText } from "../path.ts";
import { type Assistant, assistantsBelow, ownProcesses } from "./processes.ts";
import type { PersonHere, Tmux } from "./tmux.ts";
import { transcriptsOf } from "./transcripts.ts";

interface Pane {
  readonly active: boolean;
  readonly pid: number;
  readonly hook: string;
}

interface Found {
  readonly key: string;
  readonly name: string;
  readonly createdS: number;
  readonly option: string;
  readonly panes: readonly Pane[];
}

/** An option that is not of an id's letters would be able to add fields or rows, so it is not printed at all. */
const ifPlain = (option: string): string => `#{?#{m/r:^[0-9a-f-]+$,#{${option}}},#{${option}},-}`;
const FORMAT = [
  "#{session_id}",
  "#{session_created}",
  "#{window_active}#{pane_active}",
  "#{pane_pid}",
  ifPlain("@workstation_conversation"),
  ifPlain("@workstation_started"),
  // Last, since it may hold spaces; tmux escapes tabs and newlines in it.
  "#{session_name}",
].join(" ");
const LINE = /^(\$\d+) (\d+) ([01]{2}) (\d+) ([0-9a-f]+(?:-[0-9a-f]+)*|-) ([0-9a-f]+(?:-[0-9a-f]+)*|-) (.+)$/;

export async function observe(tmux: Tmux, person: PersonHere): Promise<Observation> {
  const listing = await tmux.ask(["list-panes", "-a", "-F", FORMAT]);
  if (listing === undefined) return { server: "none" };
  const { found, warnings } = parseListing(listing);
  const processes = ownProcesses(person.uid);
  const seen = found.map((session) => {
    const assistants = session.panes.flatMap(({ pid }) => assistantsBelow(processes, pid));
    return { session, assistants, directory: directoryOf(session, assistants, person) };
  });
  const transcripts = new Map(
    [...new Set(seen.map((s) => s.directory))].map((d) => [d, transcriptsOf(person.home, d)]),
  );
  const chosen = chooseConversations(
    seen.map(({ session, assistants, directory }) => evidence(session, assistants, transcripts.get(directory) ?? [])),
  );
  const sessions = seen.map(({ session, directory }): ObservedSession => {
    const conversation = chosen.get(session.key);
    const { name, createdS } = session;
    return { name, directory, createdS, ...(conversation === undefined ? {} : { conversation }) };
  });
  return { server: "running", sessions, warnings };
}

/** Exported for the tests. One line a pane; sessions by tmux's own id. */
export function parseListing(listing: string): { found: readonly Found[]; warnings: string[] } {
  const byKey = new Map<string, Found>();
  const warnings: string[] = [];
  for (const line of listing.split("\n").filter((text) => text !== "")) {
    const [, key = "", created, active, pid, option = "", hook = "", name = ""] = LINE.exec(line) ?? [];
    if (key === "") {
      warnings.push("their tmux server told of a session in words that are not understood; it is not recorded");
      continue;
    }
    const pane = { active: active === "11", pid: Number(pid), hook };
    const known = byKey.get(key) ?? { key, name, createdS: Number(created), option, panes: [] };
    byKey.set(key, { ...known, panes: [...known.panes, pane] });
  }
  return { found: [...byKey.values()], warnings: [...new Set(warnings)] };
}

function evidence(session: Found, assistants: readonly Assistant[], transcripts: Evidence["transcripts"]): Evidence {
  const [assistant, second] = assistants;
  // The pane in front speaks for its session; one hook elsewhere does too, where it is the only one.
  const hooks = session.panes.filter(({ hook }) => CONVERSATION_ID.test(hook));
  const hook = (hooks.find((pane) => pane.active) ?? (hooks.length === 1 ? hooks[0] : undefined))?.hook;
  const told = new Set(assistants.flatMap(({ argument }) => argument ?? []));
  const argument = told.size === 1 ? [...told][0] : undefined;
  return {
    key: session.key,
    transcripts,
    ...(CONVERSATION_ID.test(session.option) ? { option: session.option } : {}),
    ...(hook === undefined ? {} : { hook }),
    ...(argument === undefined ? {} : { argument }),
    ...(assistant === undefined || second !== undefined ? {} : { startedAtMs: assistant.startedAtMs }),
  };
}

/** The assistant's directory, since its conversation belongs to that; else that of the pane in front. */
function directoryOf(session: Found, assistants: readonly Assistant[], { home }: PersonHere): string {
  const front = session.panes.find((pane) => pane.active) ?? session.panes[0];
  for (const pid of [assistants[0]?.pid, front?.pid]) {
    const directory = pid === undefined ? undefined : workingDirectory(pid);
    if (directory !== undefined) return directory;
  }
  return home;
}

const GONE = " (deleted)";

function workingDirectory(pid: number): string | undefined {
  try {
    const path = pathText(readlinkSync(`/proc/${pid}/cwd`, { encoding: "buffer" }));
    return path.endsWith(GONE) ? path.slice(0, -GONE.length) : path;
  } catch (error) {
    // It has ended in the meantime, or it is somebody else's, whatever the server claims.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
