/** Defines the report of a probe: for each offboarded user, the findings by surface with their verdict. */

/**
 * `cut`: gone, and seen to be. `residual`: something is left that ends by itself or gives nothing. `needs-a-hand`: access
 * is there that nothing of ours takes. `unknown`: it could not be asked, and is never taken for cut.
 */
export type Verdict = "cut" | "residual" | "needs-a-hand" | "unknown";

export interface Finding {
  readonly surface:
    | "maps"
    | "gate"
    | "login"
    | "groups"
    | "processes"
    | "containers"
    | "set-id files"
    | "units"
    | "host"
    | "cluster"
    | "vault"
    | "forge";
  /** The host, where the surface is one's. */
  readonly host?: string;
  readonly verdict: Verdict;
  /** What was seen; holds no secret. */
  readonly says: string;
  /** Until when something residual lasts. */
  readonly until?: string;
  /** What exactly to do. */
  readonly todo?: string;
}

/** Somebody without access: they left, or left this host for another one. */
export interface OffboardedUser {
  readonly osUser: string;
  /** On every surface; otherwise on these hosts alone. */
  readonly everywhere: boolean;
  readonly hosts: readonly string[];
  /** The day on which they left; absent for somebody who moved. */
  readonly leftOn?: string;
  readonly authentikUser: string;
  /** Who has that login today, where it was given to somebody else: what it opens is theirs. */
  readonly loginHolder?: { readonly osUser: string; readonly host: string | undefined };
  readonly k8sUser: string;
  readonly email?: string;
  /** Whose the address is today, where it was given to somebody else: what it opens is theirs. */
  readonly emailHolder?: string;
  /** The last one and those before it. */
  readonly forgejoLogins: readonly string[];
  /** Everybody on the roster by their login in lower case: an account that is one's today is no leftover. */
  readonly forgejoHolders?: ReadonlyMap<string, string>;
  readonly namespaces: readonly string[];
}

export interface PersonReport {
  readonly osUser: string;
  readonly leftOn: string | null;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

const WORST: readonly Verdict[] = ["needs-a-hand", "unknown", "residual", "cut"];

/** The gravest of them; nothing asked is nothing known. */
export const worst = (verdicts: readonly Verdict[]): Verdict =>
  WORST.find((verdict) => verdicts.includes(verdict)) ?? "unknown";

/** Whether all of it is gone, or ends without anybody. */
export const isDone = (reports: readonly PersonReport[]): boolean =>
  reports.every(({ verdict }) => verdict === "cut" || verdict === "residual");

export const revoked = (surface: Finding["surface"], says: string): Finding => ({ surface, verdict: "cut", says });
export const needsAction = (surface: Finding["surface"], says: string, todo: string): Finding => ({
  ...{ surface, verdict: "needs-a-hand", says, todo },
});
export const residual = (surface: Finding["surface"], says: string, until: string): Finding => ({
  ...{ surface, verdict: "residual", says, until },
});
export const notProbed = (surface: Finding["surface"], says: string): Finding => ({
  surface,
  verdict: "unknown",
  says,
});
