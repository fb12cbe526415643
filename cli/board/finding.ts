/** Defines a finding: one thing that is not as decided, and its owner. */

import type { OsUser } from "../../roster/model.ts";
import type { State, Surface } from "./model.ts";

/** Whose row: a person's, what nobody has alone, or the public site. */
export type Owner = { readonly person: OsUser } | "everybody" | "site";

export interface Finding {
  readonly whose: Owner;
  readonly surface: Surface;
  readonly state: Exclude<State, "converged">;
  /** Half a sentence that names the object; not cleaned yet. */
  readonly what: string;
}

/** The same key for the same row. */
export const rowKey = (owner: Owner): string => (typeof owner === "string" ? owner : `person ${owner.person}`);
