/** Defines the tasks that root gives to the removal program's user side, and the lines that it answers. */

export interface ListTask {
  readonly verb: "list";
  readonly folder: string;
  /** With the checksum of every file; without, only whether it could be read. */
  readonly read: boolean;
}

/** What keeps a removal from being whole. */
export interface Obstacle {
  readonly obstacle: "unreadable" | "undeletable" | "another file system";
  readonly path: string;
}

export interface DeleteTask {
  readonly verb: "delete";
  readonly folder: string;
}

/** What is still there, and why. */
export interface Remaining {
  readonly left: string;
  readonly path: string;
}

export interface ClonesTask {
  readonly verb: "clones";
  readonly folder: string;
  readonly osUser: string;
}

export interface Clone {
  /** From the home, bytes as latin1. */
  readonly clone: string;
  /** Changed, added or untracked files. */
  readonly uncommitted: number;
  /** Commits of any branch that no remote is known to have. */
  readonly unpushed: number;
  readonly stashes: number;
  /** Why it could not be told: then everything in it is to be taken for unsaved. */
  readonly unknown?: string;
}

export interface CreateTargetTask {
  readonly verb: "create-target";
  readonly home: string;
  /** The folder's name: `restored-2026-05-01`. */
  readonly name: string;
}

export interface PublishTargetTask {
  readonly verb: "publish-target";
  readonly home: string;
  readonly name: string;
}

export interface RestoreTarget {
  /** Where to unpack. */
  readonly folder: string;
  /** What it is called once all of it is there; absent where that is the home. */
  readonly published?: string;
}

export interface ClearSetIdTask {
  readonly verb: "clear-setid";
  readonly folder: string;
}

/** `read` is followed by the archive, `delete` by the archive's entries, a line each. */
export type RemovalTask = (
  | ListTask
  | DeleteTask
  | ClonesTask
  | CreateTargetTask
  | PublishTargetTask
  | ClearSetIdTask
  | { readonly verb: "read" }
) & {
  readonly uid: number;
  readonly failpoint?: string;
};
