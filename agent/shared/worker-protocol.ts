/** Defines what root sends to a worker on its standard input, and the lines that the worker answers. */

import type { ClonesPart, CredentialsPart } from "../contract.ts";

/** The second line of a worker's input, if it comes: give up every remote and finish the rest. */
export const ABORT_SOON = "hurry\n";

export interface WorkerTask {
  readonly part: ClonesPart;
  readonly mode: "apply" | "check";
  /** Bytes of `~/start-claude.sh`. */
  readonly launcher: string;
  /** Armed by a test, where the host allows it. */
  readonly failpoint?: string;
  /** A remote of theirs did not answer before: none is asked now, the rest is done. */
  readonly offline: boolean;
}

/** A task of two files: the person's access to the forge and to Vault. */
export interface CredentialsTask {
  readonly part: CredentialsPart;
  readonly mode: "apply" | "check";
  readonly failpoint?: string;
}

/** One line of a worker's answer. */
export type WorkerLine =
  | { readonly kind: "changed"; readonly says: string }
  | { readonly kind: "warning"; readonly says: string }
  | { readonly kind: "failed"; readonly step: string; readonly says: string }
  /** A remote did not answer in the time that there was. */
  | { readonly kind: "unfinished" }
  | { readonly kind: "done" };
