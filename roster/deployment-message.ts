/**
 * Writes and reads the message that a deployment leaves with the engine (`pulumi up --message`): the commit and its
 * pusher. The pipelines write it and `./ws history` reads it, so its form is defined once, here.
 */

import { FORGEJO_LOGIN } from "./schema/patterns.ts";

/** A deployment of one commit by the pipeline. */
export interface Deployment {
  /** The full hash, lower case. */
  readonly commit: string;
  /**
   * Who pushed it, by the forge's login and never by the commit's author, which anybody may write. Absent where the
   * forge does not name anybody.
   */
  readonly pusher?: string | undefined;
}

/** @throws Error for what is no commit or no login: a message that cannot be read back is not written */
export function deploymentMessage({ commit, pusher }: Deployment): string {
  if (!FULL_HASH.test(commit)) throw new Error(`${JSON.stringify(commit)} is not the full hash of a commit`);
  if (pusher === undefined) return `${commit} ${BY}${UNKNOWN_PUSHER}`;
  if (!FORGEJO_LOGIN.pattern.test(pusher)) throw new Error(`${JSON.stringify(pusher)} is not a login of the forge`);
  return `${commit} ${BY}${pusher}`;
}

/**
 * @param head the commit that the engine itself recorded for the update (`git.head`). Without `--message` the engine
 * takes the commit's title, so a title may have the form of a message; none can name the hash of its own commit.
 * @returns undefined for every other message: somebody deployed by hand
 */
export function readDeploymentMessage(message: string, head: string | undefined): Deployment | undefined {
  const commit = message.slice(0, message.indexOf(" "));
  if (!FULL_HASH.test(commit) || commit !== head) return undefined;
  const rest = message.slice(commit.length + 1);
  if (rest === DAILY || rest === `${BY}${UNKNOWN_PUSHER}`) return { commit };
  const pusher = rest.startsWith(BY) ? rest.slice(BY.length) : "";
  return FORGEJO_LOGIN.pattern.test(pusher) ? { commit, pusher } : undefined;
}

/** The daily deployment brings about what time alone changes; nobody's push started it. */
export const dailyMessage = (commit: string): string => `${commit} ${DAILY}`;

/** Stands for a pusher whom the forge's record does not show. */
export const UNKNOWN_PUSHER = "an account that the forge does not name";

const BY = "pushed by ";
const DAILY = "deployed again by the daily deployment";

/** The full hash of a commit, SHA-1 or SHA-256, in lower case. */
export const FULL_HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
