/** Lists the conversations that are open now, so that none of them is opened a second time. Pure. */

import { type Evidence, isToldByHook } from "./choose-conversation.ts";
import { CONVERSATION_ID } from "./conversation-id.ts";
import type { Assistant } from "./process-tree.ts";
import { sessionCalled } from "./restore-plan.ts";

export interface RunningSession {
  readonly name: string;
  /** The one that is certainly its own. */
  readonly conversation?: string | undefined;
  readonly evidence: Evidence;
  readonly assistants: readonly Assistant[];
  /** What its directory's transcripts tell to have been written since the first of its assistants started. */
  readonly writtenSince?: readonly string[];
}

/**
 * By conversation, where it is open. Where it is not certain which one a session is in, each counts that a source names, and
 * each that its assistant may have written: one that is not brought back can be opened by hand, and one that runs twice
 * damages its transcript.
 *
 * @param others assistants of theirs outside of every session
 */
export function openConversations(
  sessions: readonly RunningSession[],
  others: readonly Assistant[],
): ReadonlyMap<string, string> {
  const outside = others.map(
    ({ pid, argument }) => [argument ?? "", `process ${pid}, outside of every session`] as const,
  );
  const inside = sessions.flatMap(({ name, conversation, evidence, assistants }) => {
    const { option, hook, hookIsCurrent } = evidence;
    const named = conversation === undefined ? [option, hookIsCurrent === false ? undefined : hook] : [conversation];
    // One assistant is in the session's own conversation, whatever it was started with.
    const isCertain = conversation !== undefined && assistants.length < 2;
    const started = isCertain ? [] : assistants.map(({ argument }) => argument);
    return [...named, ...started, ...(evidence.elsewhere ?? [])].map((id) => [id ?? "", sessionCalled(name)] as const);
  });
  const possible = sessions.flatMap(({ name, conversation, evidence, writtenSince = [] }) =>
    conversation !== undefined || isToldByHook(evidence)
      ? []
      : writtenSince.map((id) => [id, sessionCalled(name)] as const),
  );
  // Where one is certainly open is told before where it may be.
  return new Map([...possible, ...outside, ...inside].filter(([id]) => CONVERSATION_ID.test(id)));
}
