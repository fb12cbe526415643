/**
 * Defines the schemas of the facts that a user may know about their own workstation, for the user portal and `ws-me`.
 */

import { z } from "zod";
import { type clonesPart, unitsPart } from "../../contract.ts";
import { type Forgotten, forgetting, type OfferedRecord, outcome } from "../sessions/session-schemas.ts";

const text = z.string().max(16_384);
const MOST = 500;

const cloneFact = z.strictObject({
  /** As its owner writes it: `~/code/infra`. */
  path: text,
  /** `kept`: it is not what would be updated, and `why` tells. `behind`: the next run updates it. */
  state: z.enum(["fresh", "behind", "kept", "missing"]),
  why: text.optional(),
});
export type CloneFact = z.output<typeof cloneFact>;

/** One session of a saved record, and what bringing the record back would do with it now. */
const recordedSession = z.strictObject({
  name: text,
  /** `conversation` and `shell`: it comes back so. Each other one is left alone. */
  state: z.enum(["conversation", "shell", "running", "open elsewhere", "name in use", "forgotten"]),
  why: text.optional(),
});
export type RecordedSession = z.output<typeof recordedSession>;

const recordFact = z.strictObject({
  number: z.int().min(1),
  /** Milliseconds since 1970. */
  takenAtMs: z.number(),
  /** In the order of the record: a session is chosen by its place. */
  sessions: z.array(recordedSession).max(MOST),
});
export type RecordFact = z.output<typeof recordFact>;

/** What only that person's own worker can see, as of now. */
export const ownFacts = z.strictObject({
  sessions: z.union([
    z.strictObject({ running: z.array(text).max(MOST) }),
    /** Why their tmux server could not be asked. */
    z.strictObject({ failed: text }),
  ]),
  /** The saved records that have something to bring back, newest first; why they cannot be told, where that is so. */
  records: z.union([z.array(recordFact).max(MOST), z.strictObject({ failed: text })]),
  clones: z.array(cloneFact).max(MOST),
  /** Of everything that runs as them. */
  memoryBytes: z.int().min(0),
});
export type OwnFacts = z.output<typeof ownFacts>;

/** What root's own files tell of one person. Nothing in it is secret from that person. */
export const hostFacts = z.strictObject({
  osUser: z.string(),
  host: z.string(),
  state: z.enum(["present", "parked", "left"]),
  ports: unitsPart.shape.ports.optional(),
  limits: unitsPart.shape.limits.optional(),
  sessions: z.strictObject({
    /** Names in the newest record. */
    recorded: z.array(text),
    /** Milliseconds since 1970: when that record was written, and when a save last saw their sessions. */
    recordedAtMs: z.number().optional(),
    seenAtMs: z.number().optional(),
  }),
  /** What the last run on their clones warned of, and when it was, in ms since 1970. */
  notes: z.strictObject({ atMs: z.number(), says: z.array(text) }).optional(),
  /** Which of their parts failed, and why. */
  failures: z.array(z.strictObject({ part: text, why: text })),
  /** Whom to ask. */
  contact: z.string().optional(),
});
export type HostFacts = z.output<typeof hostFacts>;

/** The state of a service that the host offers to nobody. */
export const NOT_OFFERED = "not offered";

/** One person of an answer to the page. */
const report = z.strictObject({
  known: hostFacts,
  /** What systemd says of their code server and of their browser: `active`, `inactive`, …; `NOT_OFFERED` where the host has none. */
  services: z.strictObject({ t3: z.string(), browser: z.string() }),
  now: z.union([ownFacts, z.strictObject({ failed: text })]),
});
export type Report = z.output<typeof report>;

export const factsAnswer = z.strictObject({
  people: z.array(
    z.union([z.strictObject({ who: z.string(), found: report }), z.strictObject({ who: z.string(), failed: text })]),
  ),
});
export type FactsAnswer = z.output<typeof factsAnswer>;

/** What `tmux-persist restore <user> --json` answers. */
export const restoreAnswer = z.strictObject({
  people: z.array(
    z.union([
      z.strictObject({ who: z.string(), found: z.array(outcome) }),
      z.strictObject({ who: z.string(), failed: text }),
    ]),
  ),
});
export type RestoreAnswer = z.output<typeof restoreAnswer>;

/** What `tmux-persist forget-chosen <user> … --json` answers. */
export const forgetAnswer = z.strictObject({
  people: z.array(
    z.union([
      z.strictObject({ who: z.string(), found: forgetting }),
      z.strictObject({ who: z.string(), failed: text }),
    ]),
  ),
});
export type ForgetAnswer = z.output<typeof forgetAnswer>;

/** What a worker is told to see it all: one person, and their clones. */
export interface FactsTask {
  readonly osUser: string;
  readonly uid: number;
  /** Absent where nothing was delivered about them. */
  readonly clones?: z.output<typeof clonesPart>;
  /** Absent while they are parked. */
  readonly history?: History;
}

export interface History {
  /** Newest first. */
  readonly records: readonly OfferedRecord[];
  /** What an admin has had forgotten. */
  readonly forgotten: readonly Forgotten[];
}

/** The file that `ws-me` reads, its person's alone: `/run/workstation/me/<os_user>.json`. */
export interface OwnFile {
  readonly known: HostFacts;
  readonly task: FactsTask;
}
