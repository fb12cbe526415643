/** Finds the file from which systemd has a property of a unit: its unit file, or the last of its drop-ins that sets it. */

import { Refusal } from "../../lib/errors.ts";
import type { UnitState } from "../system/cached-accounts-and-units.ts";
import type { System } from "../system/privileged-operations.ts";

/** What a property is called in files, where that differs or is one of several names. */
const SETTINGS: Readonly<Record<string, string>> = { CPUQuotaPerSecUSec: "CPUQuota", MemoryMax: "Memory(?:Max|Limit)" };

/** The files of a unit in the order in which systemd reads them; a later one has the last word. */
export const filesOf = (state: UnitState | undefined): readonly string[] =>
  ["FragmentPath", "DropInPaths"]
    .flatMap((key) => (state?.shown.get(key) ?? "").split(" "))
    .filter((path) => path !== "");

/** Undefined where no file sets it: it was set by hand and is not in a file, or its file is loaded no more. */
export function settingFile(sys: System, state: UnitState | undefined, property: string): string | undefined {
  // An empty value takes back what was set before.
  const line = new RegExp(`^[ \\t]*${SETTINGS[property] ?? property}[ \\t]*=[ \\t]*[^\\s]`, "m");
  return filesOf(state).findLast((path) => line.test(textOf(sys, path)));
}

/** A link, or a file that cannot be read, says nothing. */
function textOf(sys: System, path: string): string {
  try {
    return sys.read(path)?.toString("utf8") ?? "";
  } catch (error) {
    if (error instanceof Refusal) return "";
    throw error;
  }
}
