/** Defines the schemas of recorded tmux sessions and of a sessions worker's answers. */

import { z } from "zod";
import { CONVERSATION_ID } from "./conversation-id.ts";
import { LONGEST_TEXT } from "./path-encoding.ts";

/** Far above what a person works with; a fake server may claim any number. */
const MOST_SESSIONS = 500;

/** As tmux tells it: tabs, newlines and broken bytes are escaped in it already. */
const name = z.string().min(1).max(LONGEST_TEXT);
/** An absolute path, as `path-encoding.ts` writes its bytes. */
export const directory = z.string().min(1).max(LONGEST_TEXT);

const session = z.strictObject({
  name,
  directory,
  /** Absent when there is none, or when it is not certain which. */
  conversation: z.string().regex(CONVERSATION_ID).optional(),
  /** The assistant's own folder (`CLAUDE_CONFIG_DIR`), where that is not `~/.claude`: its conversations are in it. */
  assistantFolder: directory.optional(),
});
/** One session as it is kept and brought back. */
export type Session = z.output<typeof session> & {
  /**
   * Where its shell is, once its assistant has ended, while the conversation cannot be resumed from there. It is kept beside
   * the records.
   */
  readonly shellDirectory?: string;
};

const observedSession = session.extend({
  /** When tmux made it, in seconds since 1970. */
  createdS: z.int().min(0),
  /** Whether an assistant runs in it: one that has ended no longer tells its own folder. */
  assistantRuns: z.boolean(),
  /** Not all that tells its conversation could be read, so what was recorded of it stays. */
  unread: z.literal(true).optional(),
  /**
   * What its processes hide, so what was recorded of that stays. `directory`: nothing tells it, also since all have ended, so
   * it is the home.
   * `closerDirectory`: another process tells it than the one that is closest to its conversation.
   */
  hidden: z.array(z.enum(["directory", "closerDirectory", "assistantFolder"])).optional(),
  /** When the assistant started whose arguments name that conversation, in ms since 1970; only where `unread`. */
  namedAtMs: z.number().optional(),
  /** Its assistant has ended, and no transcript of the conversation is known for this directory. */
  unresumable: z.literal(true).optional(),
});
export type ObservedSession = z.output<typeof observedSession>;

const forgotten = z.strictObject({
  name,
  /** Seconds since 1970. A session of that name that was made later is its owner's new one. */
  atS: z.int().min(0),
});
export type Forgotten = z.output<typeof forgotten>;

/** One record of a series, in a file. The version before must be able to read it: a host may be taken back to that. */
export const snapshot = z.strictObject({
  version: z.literal(1),
  /** Milliseconds since 1970; for people to read. The order is that of the file names. */
  takenAtMs: z.number(),
  sessions: z.array(session),
  forgotten: z.array(forgotten),
});
export type Snapshot = Omit<z.output<typeof snapshot>, "sessions"> & { readonly sessions: readonly Session[] };

/** One record as its owner's own process gets it. The numbers of its sessions are their places in it, from 0 up. */
export interface OfferedRecord {
  readonly number: number;
  readonly takenAtMs: number;
  /** When these sessions were last seen to run. */
  readonly seenAtMs: number;
  readonly sessions: readonly Session[];
}

const warnings = z.array(z.string().max(4096)).max(MOST_SESSIONS);

/** What a look at a person's tmux server found. */
export const observation = z.discriminatedUnion("server", [
  z.strictObject({ server: z.literal("none"), warnings: warnings.optional() }),
  z.strictObject({
    server: z.literal("running"),
    sessions: z.array(observedSession).max(MOST_SESSIONS),
    warnings,
    /** Something that was looked into could not be read, so the next look may find more. */
    unread: z.literal(true).optional(),
  }),
]);
export type Observation = z.output<typeof observation>;

/** What became of one session that was to be brought back. */
export const outcome = z.strictObject({
  name,
  /**
   * `conversation`: its conversation goes on. `shell`: a shell, and `why` says what is missing where something is. `there`:
   * it runs, or `why` says where its conversation is open.
   */
  how: z.enum(["there", "conversation", "shell", "failed"]),
  why: z.string().max(4096).optional(),
  /** A shell keeps its conversation, since something that this needs cannot be read now: it is to be restored again. */
  unread: z.literal(true).optional(),
});
export type Outcome = z.output<typeof outcome>;

export const recreation = z.discriminatedUnion("server", [
  z.strictObject({ server: z.literal("none") }),
  z.strictObject({
    server: z.literal("running"),
    outcomes: z.array(outcome).max(MOST_SESSIONS),
    /** What was done about a socket that the server had lost. */
    revived: z.string().max(4096).optional(),
  }),
]);
export type Recreation = z.output<typeof recreation>;

/** What a sessions worker is told: one person, and their sessions alone. */
export type SessionsTask = { readonly osUser: string; readonly uid: number } & (
  | {
      readonly do: "observe";
      /** A server that lives and has lost its socket is made to bring it back; else it is only named. */
      readonly revive: boolean;
    }
  | {
      readonly do: "recreate";
      readonly sessions: readonly Session[];
      /** When they were last seen to run, in ms since 1970. */
      readonly seenAtMs: number;
      /** Their owner has chosen them one by one. */
      readonly chosen: boolean;
      /** The server was started for this: it may end once its last session does. */
      readonly started: boolean;
    }
  | {
      readonly do: "forget";
      /** Names. */
      readonly names: readonly string[];
    }
);

/** What became of sessions that were to be forgotten: one that runs is not. */
export const forgetting = z.strictObject({
  forgotten: z.array(name).max(MOST_SESSIONS),
  running: z.array(name).max(MOST_SESSIONS),
});
export type Forgetting = z.output<typeof forgetting>;
