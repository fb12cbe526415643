/** A worker's steps in their order. */

import type { Step } from "../step.ts";
import { codexMirror } from "./codex-mirror.ts";
import { credentialsMode, gitIdentity } from "./git-identity.ts";
import { freshness } from "./freshness.ts";
import { formerHomes } from "./former-homes.ts";
import { hoisting } from "./hoisting.ts";
import { infraClone, repoClones } from "./clones.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { launcher } from "./launcher.ts";
import { codeDirectory } from "./layout.ts";
import { migration, worktrees } from "./migration.ts";
import type { Place } from "./place.ts";
import { remotes } from "./remotes.ts";
import { sweep } from "./sweep.ts";

export function stepsOf(place: Place): readonly (() => Step)[] {
  const own = [sweep, formerHomes, gitIdentity, credentialsMode, kubeconfig, launcher, codexMirror];
  const trees = [migration, codeDirectory, infraClone, worktrees, hoisting, repoClones, remotes, freshness];
  // An admin's tree is never touched.
  return (place.part.layout === "untouched" ? own : [...own, ...trees]).map((make) => () => make(place));
}
