/** Defines what `./ws doctor` finds: one check for each connection, right or program that the configuration requires. */

export type Surface = "configuration" | "host" | "cluster" | "vault" | "forge" | "chat" | "address" | "clock";

/** `untried`: nothing can be tried there without a change; it is not counted as missing. */
export type State = "ok" | "missing" | "untried";

/** Where something is looked at, and by which account. */
export interface Target {
  readonly surface: Surface;
  /** The host, the address or the file. */
  readonly where: string;
  /** The account that asks; empty where none is needed. */
  readonly who: string;
}

export interface Check extends Target {
  /** What is checked, such as `login` or `package zsh`. */
  readonly what: string;
  readonly state: State;
  /** Holds no secret. */
  readonly found: string;
  readonly expected: string;
  /** What exactly to do; empty where all is well. */
  readonly remedy: string;
}

export const ok = (target: Target, what: string, found: string): Check => ({
  ...{ ...target, what, state: "ok", found, expected: found, remedy: "" },
});

export const missing = (
  target: Target,
  what: string,
  { found, expected, remedy }: Pick<Check, "found" | "expected" | "remedy">,
): Check => ({ ...target, what, state: "missing", found, expected, remedy });

export const untried = (target: Target, what: string, found: string, remedy: string): Check => ({
  ...{ ...target, what, state: "untried", found, expected: "", remedy },
});

export const isWell = (checks: readonly Check[]): boolean => checks.every(({ state }) => state !== "missing");
