/** Names a user's tmux socket and tells from a client's message that no server listens on it. */

/** tmux's own folder for a person. Anybody may make one of that name before its person does. */
export const socketFolder = (uid: number): string => `/tmp/tmux-${uid}`;
export const socketOf = (uid: number): string => `${socketFolder(uid)}/default`;

/** A client that is told of a socket nobody listens on any more says one of these, and ends with 1. */
export const NO_SERVER = /^(no server running on|error connecting to) /;

/** In which time a server answers, in milliseconds. `sessions-probe.sh` gives it the same. */
export const ANSWER_WITHIN_MS = 5000;
export const TOO_LONG = "the tmux server printed more than 1 MiB; its answer is ignored";

/** A socket that is listened on, in the kernel's list of them. */
const LISTENING = "00010000";

/** The kernel goes on listing a socket whose file was removed or replaced, and lists each connection under the same path. */
export interface ListedSocket {
  readonly inode: string;
  readonly path: string;
}

/**
 * The sockets that are listened on, as this list tells. The kernel escapes no newline in a socket's name, so anybody may add
 * lines to it: no socket is missing, and none is certain.
 *
 * @param list `/proc/net/unix`
 */
export const listedSockets = (list: string): readonly ListedSocket[] =>
  list.split("\n").flatMap((line) => {
    // Num RefCount Protocol Flags Type St Inode Path
    const [, flags, inode, path] = /^\S+ +\S+ +\S+ +(\S+) +\S+ +\S+ +(\d+) (.+)$/.exec(line.trim()) ?? [];
    return flags === LISTENING && inode !== undefined && path !== undefined ? [{ inode, path }] : [];
  });

/**
 * The inodes of the sockets that may be listened on under this path.
 *
 * @param list `/proc/net/unix`
 */
export const listedInodes = (list: string, socket: string): readonly string[] => [
  ...new Set(listedSockets(list).flatMap(({ inode, path }) => (path === socket ? [inode] : []))),
];

/** So many bytes of a program's name the kernel keeps. */
const NAME_BYTES = 15;

/**
 * Whether a process may be a tmux server, whatever its program is called: tmux writes `: server` behind the program's name, and
 * cuts that at a space where it is longer than the 15 bytes that the kernel keeps.
 */
export const mayServe = (name: string): boolean =>
  (name.includes("tmux") || /:( s\w*)?$/.test(name)) && !name.endsWith(": client");

/** As `mayServe`, also by a name of which the kernel keeps only the beginning. */
export const mayServeByCutName = (name: string): boolean => mayServe(name) || Buffer.byteLength(name) >= NAME_BYTES;
