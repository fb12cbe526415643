/** Lists the conversations that are open now, so that none of them is opened a second time. Pure. */

import { type Evidence, isToldByHook } from "./choose-conversation.ts";
import { CONVERSATION_ID } from "./conversation-id.ts";
import type { Assistant } from "./process-tree.ts";
import { type OpenIn, sessionCalled } from "./restore-plan.ts";

export interface RunningSession {
  readonly name: string;
  /** The one that is certainly its own. */
  readonly conversation?: string | undefined;
  readonly evidence: Evidence;
  readonly assistants: readonly Assistant[];
  /** What its directory's transcripts tell to have been written since the first of its assistants started. */
  readonly writtenSince?: readonly string[];
  /** Nothing runs in it, so its conversation only waits there. */
  readonly isUnused?: boolean;
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
): ReadonlyMap<string, OpenIn> {
  const inside = sessions.flatMap((session) =>
    [...claimsOf(session)].map(([id, state]): Claim => ({ id, where: sessionCalled(session.name), state })),
  );
  const outside = others.map(({ pid, argument }): Claim => {
    return { id: argument ?? "", where: `process ${pid}, outside of every session`, state: "open" };
  });
  const inState = (state: Claim["state"]) => inside.filter((one) => one.state === state);
  const open = new Map<string, OpenIn>();
  // Where one is certainly open is told before where it may be; what an assistant in a session starts itself is outside.
  for (const claims of [inState("open"), outside, inState("possible"), inState("waiting")])
    for (const [id, one] of byConversation(claims)) if (!open.has(id)) open.set(id, one);
  return open;
}

type Claim = { readonly id: string; readonly where: string } & Pick<OpenIn, "state">;

/** @param claims of one state */
function byConversation(claims: readonly Claim[]): ReadonlyMap<string, OpenIn> {
  const all = new Map<string, OpenIn & { readonly where: string[] }>();
  for (const { id, where, state } of claims.filter((one) => CONVERSATION_ID.test(one.id))) {
    const known = all.get(id);
    if (known === undefined) all.set(id, { where: [where], state });
    else known.where.push(where);
  }
  return all;
}

/** By conversation, how it counts for that session. */
function claimsOf(session: RunningSession): ReadonlyMap<string, OpenIn["state"]> {
  const { conversation, evidence, assistants, writtenSince = [], isUnused } = session;
  const { option, hook, hookIsCurrent, elsewhere = [] } = evidence;
  const own = conversation ?? (isToldByHook(evidence) ? hook : undefined);
  const named = conversation === undefined ? [option, hookIsCurrent === false ? undefined : hook] : [];
  // One assistant is in the session's own conversation, whatever it was started with.
  const isCertain = conversation !== undefined && assistants.length < 2;
  const started = isCertain ? [] : assistants.map(({ argument }) => argument);
  const possible = [...(own === undefined ? writtenSince : []), ...named, ...started, ...elsewhere];
  const state = (id: string) => (isUnused === true ? "waiting" : id === own ? "open" : "possible");
  return new Map([...possible, own].flatMap((id) => (id === undefined ? [] : [[id, state(id)] as const])));
}
