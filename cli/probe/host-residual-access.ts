/**
 * Judges the residual access of an offboarded user on a host: processes under shared subordinate uids,
 * containers and set-id programs.
 */

import { z } from "zod";
import { counted, listed } from "../../roster/text/quote.ts";
import { revoked, type Finding, needsAction, residual, notProbed } from "./model.ts";

/** The fields of `workstation probe` about it (agent/root/commands/probe-access.ts). */
export const residualAccess = z.object({
  sharedProcesses: z.int(),
  containers: z
    .array(
      z.object({
        engine: z.string(),
        id: z.string(),
        name: z.string(),
        created: z.string(),
        why: z.string(),
        isTheirs: z.boolean(),
      }),
    )
    .nullable(),
  setIdFiles: z.object({
    theirs: z.array(z.string()),
    unknown: z.array(z.string()),
    incomplete: z.string().nullable(),
  }),
});
export type ResidualAccess = z.output<typeof residualAccess>;

/** Pure. What is certainly theirs needs a hand; what somebody else may have made is residual. */
export function judgeResidualAccess(seen: ResidualAccess): readonly Finding[] {
  return [...sharedProcesses(seen), ...containers(seen), ...setIdFiles(seen)];
}

function sharedProcesses({ sharedProcesses: count }: ResidualAccess): readonly Finding[] {
  if (count === 0) return [];
  const says = `${counted(count, "process runs", "processes run")} under subordinate uids that /etc/subuid lists for another account as well`;
  return [
    needsAction("processes", says, "give each account ranges of its own in /etc/subuid, and end those processes"),
  ];
}

function containers({ containers: found }: ResidualAccess): readonly Finding[] {
  if (found === null) return [notProbed("containers", "a container engine of this host did not answer")];
  if (found.length === 0)
    return [revoked("containers", "none uses their home or uid, or can be a former admin's with root's rights")];
  return found.map(({ engine, id, name, created, why, isTheirs }) => {
    const says = `${engine} container ${name} (${id}, created ${created}) ${why}`;
    const remove = `${engine} rm --force ${id}`;
    if (isTheirs) return needsAction("containers", says, remove);
    const unsure = `${says}; they could create it while they were an admin, and the engine does not record who did`;
    return residual("containers", unsure, `${remove}, if it is not needed`);
  });
}

const SHOWN = 10;

function setIdFiles({ setIdFiles: { theirs, unknown: others, incomplete } }: ResidualAccess): readonly Finding[] {
  const some = (paths: readonly string[]) =>
    paths.length > SHOWN ? `${paths.slice(0, SHOWN).join(", ")} and ${paths.length - SHOWN} more` : listed(paths);
  const findings: Finding[] = [];
  if (theirs.length > 0) {
    const says = `outside of their home, every user who runs ${some(theirs)} acts as them`;
    findings.push(needsAction("set-id files", says, "run `chmod ug-s` on these files"));
  }
  if (others.length > 0) {
    const says = `no package owns the set-id programs ${some(others)}; they could make them while they were an admin, and nothing records who did`;
    findings.push(residual("set-id files", says, "run `chmod ug-s` on unexpected programs"));
  }
  if (incomplete !== null) findings.push(notProbed("set-id files", `not everything was searched: ${incomplete}`));
  if (findings.length > 0) return findings;
  return [revoked("set-id files", "outside of homes, none is theirs or can be a former admin's")];
}
