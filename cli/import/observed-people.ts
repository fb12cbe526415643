/** Defines what an import reads of a stack's people, and the rows that it guesses from that. */

import type { Account, HomeState, HostState } from "./read-host.ts";
import type { ClusterState, MapEntry, Member } from "./read-services.ts";

export interface Observed {
  readonly hosts: readonly HostState[];
  /** By host and OS user: `devvm/anca`. */
  readonly homes: ReadonlyMap<string, HomeState>;
  readonly userMap: ReadonlyMap<string, MapEntry>;
  readonly cluster?: ClusterState;
  readonly members: readonly Member[];
  /** Owner and infra repository on the forge: whose clones are the roster's. */
  readonly owner: string;
  readonly infra: string;
}

export type Value = string | boolean | readonly string[] | Readonly<Record<string, string | boolean>>;

/** One line of a row; `why` says where it comes from, where that is not certain. */
export interface Field {
  readonly key: string;
  readonly value: Value;
  readonly why?: string;
}

export interface Guessed {
  readonly osUser: string;
  readonly host: string;
  readonly uid: number;
  readonly ports: { readonly t3?: number; readonly browser?: number };
  readonly fields: readonly Field[];
  /** What may belong in the row and is not written there: each becomes a comment. */
  readonly suggestions?: readonly Field[];
}

/** Somebody with an account, and what signs in as them. */
export interface Candidate {
  readonly account: Account;
  readonly host: HostState;
  readonly authentikUser: string;
}
