/** Compares properties that systemd has for a unit with those that it should have, and says which file sets another value. */

import type { Machine, UnitState } from "../system/cached-accounts-and-units.ts";
import { filesOf, settingFile } from "./setting-file.ts";
import { dropInOf } from "./unit-files.ts";

/** What systemd should have for one property of a unit. */
export interface Rule {
  readonly key: string;
  readonly expected: string;
  holds(shown: string): boolean;
}

/** A property of a unit that is another than it should be. */
export interface Difference {
  readonly key: string;
  /** As `MemoryMax=1G, expected 2G`. */
  readonly says: string;
}

export function broken(rules: readonly Rule[], state: UnitState | undefined): readonly Difference[] {
  return rules.flatMap(({ key, expected, holds }) => {
    const shown = state?.shown.get(key) ?? "";
    return holds(shown) ? [] : [{ key, says: `${key}=${shown}, expected ${expected}` }];
  });
}

/** One sentence for a unit with differences, with the files that set them. */
export function sentence(
  m: Machine,
  unit: string,
  state: UnitState | undefined,
  different: readonly Difference[],
): readonly string[] {
  if (different.length === 0) return [];
  const isOurs = (path: string) => path === dropInOf(unit);
  const causes = different
    .map(({ key }) => settingFile(m.sys, state, key))
    .map((path) => (path && !isOurs(path) ? path : undefined));
  const told = different.map(({ says }, at) => (causes[at] === undefined ? says : `${says} (set in ${causes[at]})`));
  const others = filesOf(state)
    .slice(1)
    .filter((path) => !isOurs(path));
  const from =
    causes.every((path) => path !== undefined) || others.length === 0 ? "" : ` Other drop-ins: ${others.join(", ")}.`;
  return [
    `systemd has for ${unit} ${told.join(" and ")}.${from} Remove what overrides it, then run: systemctl daemon-reload`,
  ];
}
