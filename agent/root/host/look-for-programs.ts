/** Looks for the outside programs of a host, and says what each is for and what fails without it. */

import type { BasePart } from "../../contract.ts";
import { isInspectable, type OutsideProgram, outsidePrograms } from "../../shared/outside-programs.ts";
import { peopleOfParts, tryLoadPart } from "../state/stored-parts.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";

export interface ProgramStatus {
  /** Its path or name; the setting where that names none. */
  readonly program: string;
  /** `not looked at`: it lies where only its person looks. */
  readonly state: "there" | "missing" | "not set" | "not looked at";
  readonly purpose: string;
  readonly without: string;
}

/** Prints those of its arguments that can be run. */
const SCRIPT = 'for name do if command -v -- "$name" >/dev/null 2>&1; then printf "%s\\n" "$name"; fi; done';
const ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

/** Changes nothing. @throws Refusal when they cannot be looked for */
export async function lookForPrograms(m: Machine, base: BasePart): Promise<readonly ProgramStatus[]> {
  const hasCluster = peopleOfParts(m.sys).some((name) => {
    const clones = tryLoadPart(m.sys, "clones", name);
    return clones !== "damaged" && clones?.kubeconfig !== undefined;
  });
  const programs = outsidePrograms(base.commands, hasCluster);
  const paths = programs.flatMap(({ path }) => (path !== undefined && isInspectable(path) ? [path] : []));
  const printed = await runOrThrow(m.sys, ["/bin/sh", "-c", SCRIPT, "sh", ...paths], { reads: true, env: ENV });
  const found = new Set(printed.split("\n"));
  return programs.map((program) => ({
    program: program.path ?? program.setting ?? "",
    state: stateOf(program, found),
    purpose: program.purpose,
    without: program.without,
  }));
}

function stateOf({ path }: OutsideProgram, found: ReadonlySet<string>): ProgramStatus["state"] {
  if (path === undefined) return "not set";
  if (!isInspectable(path)) return "not looked at";
  return found.has(path) ? "there" : "missing";
}

/** @example `program kubectl: missing, so people reach no cluster from the host` */
export function describeProgram({ program, state, purpose, without }: ProgramStatus): string {
  if (state === "there") return `program ${program}: there; ${purpose}`;
  if (state === "not looked at") return `program ${program}: where only its person looks; ${purpose}`;
  return `program ${program}: ${state}, so ${without}`;
}
