/** Names a user's tmux socket and tells from a client's message that no server listens on it. */

/** tmux's own folder for a person. Anybody may make one of that name before its person does. */
export const socketFolder = (uid: number): string => `/tmp/tmux-${uid}`;
export const socketOf = (uid: number): string => `${socketFolder(uid)}/default`;

/** A client that is told of a socket nobody listens on any more says one of these, and ends with 1. */
export const NO_SERVER = /^(no server running on|error connecting to) /;

/** In which time a server answers, in milliseconds. `sessions-probe.sh` gives it the same. */
export const ANSWER_WITHIN_MS = 5000;
export const TOO_LONG = "the tmux server printed more than 1 MiB; its answer is ignored";
