/** Collects what decides over a restore: the sessions and conversations that run, and what their owner has forgotten. */

import { accessSync, constants, statSync } from "node:fs";
import { Refusal } from "../../lib/errors.ts";
import { openConversations } from "../../shared/sessions/open-conversations.ts";
import { NOTHING } from "../../shared/sessions/tmux-listing.ts";
import type { Present } from "../../shared/sessions/restore-plan.ts";
import { missingTranscript } from "./find-transcripts.ts";
import { readForgotten } from "./forgotten-sessions.ts";
import { LIST_PANES, readListing } from "./observe-sessions.ts";
import type { Kernel } from "./kernel-sockets.ts";
import { askReviving } from "./revive-socket.ts";
import type { PersonHere, Tmux } from "./tmux-client.ts";
import { unusedSessions } from "./unused-sessions.ts";
import { readOrNote, type Unread, whyMissing } from "../home/unread-paths.ts";

/** What `presentState` asks first: a server without a session refuses to list panes. */
export const NAMES: readonly string[] = ["list-sessions", "-F", "#{session_name}"];

/**
 * @param names what the server has just answered to `NAMES`; asked when absent
 * @throws Refusal when their server could not be asked, or another one lives beside it
 */
export async function presentState(tmux: Tmux, person: PersonHere, names?: string, kernel?: Kernel): Promise<Present> {
  const { answer: told = "", beside } =
    names === undefined ? await askReviving(tmux, person.uid, NAMES, false, kernel) : { answer: names };
  if (beside !== undefined) throw new Refusal(beside);
  const listing = told === "" ? "" : ((await tmux.ask(LIST_PANES)) ?? "");
  const { sessions: found, seen, evidence, outside, writtenSince, unreadFolders } = readListing(listing, person);
  // What an assistant has left behind notes its conversation, so few sessions are worth another question.
  const mayWait = seen.some(
    ({ session: { option, panes }, assistants }) =>
      assistants.length === 0 && option !== NOTHING && panes.length === 1 && panes[0]?.hook === NOTHING,
  );
  const unused: ReadonlyMap<string, string> = mayWait ? await unusedSessions(tmux, person, "restore") : new Map();
  // Where transcripts could not be read the choice is not certain, so each conversation that it may be in counts as open.
  const sessions = found.map(({ name, conversation, unread }) => ({
    name,
    conversation: unread === true ? undefined : conversation,
  }));
  const running = sessions.flatMap(({ name, conversation }, at) => {
    const [one, told] = [seen[at], evidence[at]];
    if (one === undefined || told === undefined) return [];
    const { assistants } = one;
    const isUnused = unused.has(name);
    return [{ name, conversation, evidence: told, assistants, writtenSince: writtenSince[at] ?? [], isUnused }];
  });
  return {
    home: person.home,
    running: new Map(sessions.map(({ name, conversation }) => [name, conversation])),
    unused,
    open: openConversations(running, outside),
    forgotten: readForgotten(person.home),
    missingDirectory,
    missingTranscript: (assistant, directory, id) => {
      const missing = missingTranscript(assistant, directory, id);
      // An assistant runs there, and nothing tells in which conversation it is not.
      const hidden = unreadFolders.find(
        (one) => (one.assistant ?? assistant) === assistant && (one.directory ?? directory) === directory,
      );
      return missing ?? (hidden === undefined ? undefined : whyMissing([hidden.unread]));
    },
  };
}

function missingDirectory(path: string): string | undefined {
  const unread: Unread[] = [];
  const isThere = readOrNote(path, unread, () => {
    if (!statSync(path).isDirectory()) return false;
    accessSync(path, constants.X_OK);
    return true;
  });
  return isThere === true ? undefined : whyMissing(unread);
}
