/** Installs the host's sudoers files, once the sudo that reads them has been found to take their rules. */

import type { Change, Step } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure } from "../../lib/exec.ts";
import { clean } from "../../lib/log.ts";
import { fileChanges, type GeneratedFile } from "../system/generated-files.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { SUDOERS } from "./base-files.ts";

const VISUDO = "/usr/sbin/visudo";
const SUDO = "/usr/bin/sudo";
const REMEDY = "install sudo 1.9.10 or newer, and where both are there: update-alternatives --config sudo";

/**
 * What keeps this host's sudo from taking the rules; undefined where nothing does, and where there is no sudo yet. The texts
 * are checked and not the installed files: they are checked before sudo can see them.
 */
export async function sudoFault(m: Machine): Promise<string | undefined> {
  if (m.sys.look(VISUDO) === undefined || m.sys.look(SUDO) === undefined) return undefined;
  const [sudo, visudo] = [await versionOf(m, SUDO), await versionOf(m, VISUDO)];
  // Two programs that are switched one by one; sudo-rs has no regular expressions, and the other visudo does not know that.
  if (isSudoRs(sudo) !== isSudoRs(visudo))
    return `${SUDO} is ${sudo} and ${VISUDO} is ${visudo}, so no rule can be checked by the sudo that reads it; ${REMEDY}`;
  for (const { path, text } of SUDOERS) {
    const argv = [VISUDO, "--check", "--quiet", "--file=-"];
    const checked = await m.sys.run(argv, { input: text, reads: true });
    if (checked.code !== 0) return `${path} is rejected by visudo (${visudo}): ${describeFailure(checked)}; ${REMEDY}`;
  }
  return undefined;
}

const isSudoRs = (version: string): boolean => /sudo-rs/.test(version);

async function versionOf(m: Machine, program: string): Promise<string> {
  const ran = await m.sys.run([program, "--version"], { reads: true });
  return clean(`${ran.stdout}\n${ran.stderr}`.trim().split("\n")[0] ?? "").slice(0, 80);
}

/** Asks sudo only where a file is to be written. */
export async function sudoFaultOfChange(m: Machine): Promise<string | undefined> {
  return changesOf(m).length === 0 ? undefined : sudoFault(m);
}

/** @throws Refusal where sudo does not take the rules */
export function sudoers(m: Machine): Step {
  return {
    name: "sudoers",
    differences: () =>
      changesOf(m).map((change) => ({
        ...change,
        apply: async () => {
          const fault = await sudoFault(m);
          if (fault !== undefined) throw new Refusal(fault);
          await change.apply();
        },
      })),
  };
}

const changesOf = (m: Machine): readonly Change[] =>
  SUDOERS.flatMap((file: GeneratedFile) => fileChanges(m.sys, [file], "base-sudoers"));
