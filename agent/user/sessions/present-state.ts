/** Collects what decides over a restore: the sessions and conversations that run, and what their owner has forgotten. */

import { statSync } from "node:fs";
import { Refusal, systemCode } from "../../lib/errors.ts";
import { openConversations } from "../../shared/sessions/open-conversations.ts";
import type { Present } from "../../shared/sessions/restore-plan.ts";
import { hasTranscript } from "./find-transcripts.ts";
import { readForgotten } from "./forgotten-sessions.ts";
import { LIST_PANES, readListing } from "./observe-sessions.ts";
import { askReviving } from "./revive-socket.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";

/** What `presentState` asks first: a server without a session refuses to list panes. */
export const NAMES: readonly string[] = ["list-sessions", "-F", "#{session_name}"];

/**
 * @param names what the server has just answered to `NAMES`; asked when absent
 * @param proc where the kernel's folder of processes is mounted
 * @throws Refusal when their server could not be asked, or another one lives beside it
 */
export async function presentState(tmux: Tmux, person: PersonHere, names?: string, proc?: string): Promise<Present> {
  const { answer: told = "", beside } =
    names === undefined ? await askReviving(tmux, person.uid, NAMES, false, proc) : { answer: names };
  if (beside !== undefined) throw new Refusal(beside);
  const listing = told === "" ? "" : ((await tmux.ask(LIST_PANES)) ?? "");
  const { sessions, seen, evidence, outside } = readListing(listing, person);
  const running = sessions.flatMap(({ name, conversation }, at) => {
    const [one, told] = [seen[at], evidence[at]];
    return one === undefined || told === undefined
      ? []
      : [{ name, conversation, evidence: told, assistants: one.assistants }];
  });
  return {
    home: person.home,
    running: new Map(sessions.map(({ name, conversation }) => [name, conversation])),
    open: openConversations(running, outside),
    forgotten: readForgotten(person.home),
    isDirectory,
    hasTranscript,
  };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}
