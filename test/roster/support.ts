/**
 * Provides what the tests of the roster share: short functions to load and to derive, and the number of runs of a
 * property.
 */

import { derive, type Derivation } from "../../roster/derive/derive.ts";
import { EMPTY_LEDGER } from "../../roster/ledger.ts";
import { loadRoster } from "../../roster/load.ts";
import type { Day, Ledger, OsUser, Person, Policy, Problem, Roster } from "../../roster/model.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { renderProblem } from "../../roster/render-problem.ts";
import type { Surface, Undelivered } from "../../roster/undelivered-changes.ts";
import { loadUserMap } from "../../roster/user-map.ts";

export const TODAY = "2026-11-22" as Day;
export const day = (text: string) => text as Day;
export const user = (name: string) => name as OsUser;

/** Every property is tried a thousand times by a pipeline; fewer keep a run on a developer's machine short. */
export const RUNS = { numRuns: process.env.CI === "true" ? 1000 : 200 };

/** Time enough for a thousand runs on a machine that has other things to do. */
export const PROPERTY = { timeout: 180_000 };

export const policy = (changes: Partial<Policy> = {}): Policy => ({ ...DEFAULT_POLICY, ...changes });

/** A roster that must be right. */
export function roster(text: string, stack: Policy = DEFAULT_POLICY): Roster {
  const loaded = loadRoster(text, "roster.yaml", stack);
  if (!loaded.ok) throw new Error(loaded.problems.map(renderProblem).join("\n"));
  return loaded.roster;
}

/** Everything that is said about a roster. */
export function problemsOf(text: string | Uint8Array, stack: Policy = DEFAULT_POLICY): readonly Problem[] {
  const loaded = loadRoster(text, "roster.yaml", stack);
  return loaded.ok ? loaded.warnings : loaded.problems;
}

/** The same as the lines that a person reads. */
export const linesOf = (text: string | Uint8Array, stack?: Policy): readonly string[] =>
  problemsOf(text, stack).map(renderProblem);

export interface Given {
  readonly ledger?: Ledger;
  readonly today?: string;
  readonly stack?: Partial<Policy>;
  /** JSON text. */
  readonly userMap?: string;
  readonly undelivered?: Undelivered;
  readonly surfaces?: readonly Surface[];
}

/** Those of a whole stack. */
export const SURFACES: readonly Surface[] = ["forge", "cluster", "Vault", "host devvm"];

/** A derivation that must succeed. */
export function derived(text: string, given: Given = {}): Derivation {
  const result = tried(text, given);
  if (!result.ok) throw new Error(result.problems.map(renderProblem).join("\n"));
  return result;
}

export function tried(
  text: string,
  { ledger = EMPTY_LEDGER, today = TODAY, stack = {}, userMap, ...more }: Given = {},
) {
  const full = policy(stack);
  const map = userMap === undefined ? undefined : loadUserMap(userMap, "k8s-users.json");
  if (map !== undefined && !map.ok) throw new Error(map.problems.map(renderProblem).join("\n"));
  const inputs = { userMap: map?.userMap, ledger, policy: full, today: today as Day, surfaces: SURFACES };
  return derive({ roster: roster(text, full), ...inputs, ...more });
}

export function person({ desired }: Derivation, name: string): Person {
  const found = desired.people.get(user(name));
  if (found === undefined) throw new Error(`${name} is not among ${[...desired.people.keys()].join(", ")}`);
  return found;
}

/** One row of text: `row("bob")` is a power-user whose other names follow from the first. */
export function row(name: string, more = "", tier = "power-user"): string {
  return `  ${name}:\n    authentik_user: ${name}\n    k8s_user: ${name}\n    tier: ${tier}\n${more === "" ? "" : `${more.replace(/^/gm, "    ")}\n`}`;
}

export const rosterOf = (...rows: readonly string[]): string => `users:\n${rows.join("")}`;
