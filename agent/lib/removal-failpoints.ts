/** Names every mutating step of the removal program, so that a test can kill it before and after each of them. */

export const REMOVAL_POINTS = [
  "removal-archive-room",
  "removal-archive-home",
  "removal-archive-manifest",
  "removal-archive-record",
  "removal-archive-publish",
  "removal-journal",
  "removal-wipe",
  "removal-home",
  "removal-account",
  "removal-group",
  "removal-ledger",
  "removal-file",
  "removal-daemon-reload",
  "removal-done",
] as const;

/** Putting an archive back. */
export const RESTORE_POINTS = ["restore-extract", "restore-publish"] as const;

/** Those that a person's own process comes to. */
export const REMOVAL_WORKER_POINTS = ["removal-wipe-entry"] as const;

export type RemovalPoint =
  | (typeof REMOVAL_POINTS)[number]
  | (typeof RESTORE_POINTS)[number]
  | (typeof REMOVAL_WORKER_POINTS)[number];
