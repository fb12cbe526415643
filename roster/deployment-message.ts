/**
 * What a deployment says of itself to the engine (`pulumi up --message`): the commit that it brings about and who pushed
 * it. The pipelines write it and `./ws history` reads it, so it is written down once, here.
 */

import { FORGEJO_LOGIN } from "./schema/patterns.ts";

/** A deployment of one commit, started by one push. */
export interface Deployment {
  /** The full hash, lower case. */
  readonly commit: string;
  /** Who pushed it, by the forge's login and never by the commit's author, which anybody may write. */
  readonly pusher: string;
}

/** @throws Error for what is no commit or no login: a message that cannot be read back is not written */
export function deploymentMessage({ commit, pusher }: Deployment): string {
  if (!COMMIT.test(commit)) throw new Error(`${JSON.stringify(commit)} is not the full hash of a commit`);
  if (!FORGEJO_LOGIN.pattern.test(pusher)) throw new Error(`${JSON.stringify(pusher)} is not a login of the forge`);
  return `${commit} pushed by ${pusher}`;
}

/** @returns undefined for any other message: somebody deployed by hand */
export function readDeploymentMessage(message: string): Deployment | undefined {
  const [commit = "", pusher = "", ...more] = message.split(" pushed by ");
  const known = COMMIT.test(commit) && FORGEJO_LOGIN.pattern.test(pusher) && more.length === 0;
  return known ? { commit, pusher } : undefined;
}

/** SHA-1 or SHA-256. */
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
