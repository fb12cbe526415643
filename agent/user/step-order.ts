/** Lists a worker's steps in their order. */

import type { CredentialsPart } from "../contract.ts";
import type { Step } from "../lib/converge.ts";
import { codexMirror } from "./home/codex-guidance.ts";
import { credentialsMode, gitIdentity } from "./home/git-identity.ts";
import { gitCredentials } from "./home/git-credentials.ts";
import { vaultAccess } from "./home/vault-access.ts";
import { freshness } from "./clones/fast-forward.ts";
import { formerHomes } from "./home/link-former-homes.ts";
import { hoisting } from "./clones/hoist-nested-clones.ts";
import { infraClone, repoClones } from "./clones/clone-missing.ts";
import { kubeconfig } from "./home/kubeconfig.ts";
import { launcher } from "./home/claude-launcher.ts";
import { codeDirectory, unmovedClone } from "./clones/clone-paths.ts";
import { migration, worktrees } from "./clones/migrate-to-workspace.ts";
import type { StepContext } from "./home/step-context.ts";
import { remotes } from "./clones/configure-remotes.ts";
import { sweep } from "./clones/remove-leftovers.ts";

export function stepsOf(context: StepContext): readonly (() => Step)[] {
  const own = [sweep, formerHomes, gitIdentity, credentialsMode, kubeconfig, launcher, codexMirror];
  // A dry run only announces the migration, and what is cloned beside the clone that it moves.
  const repos = context.mode === "check" ? repoClones : afterMigration(repoClones);
  const inInfra = [infraClone, worktrees, hoisting].map(afterMigration);
  const trees = [migration, codeDirectory, ...inInfra, repos, ...[remotes, freshness].map(afterMigration)];
  // An admin's tree is never touched.
  return (context.part.layout === "untouched" ? own : [...own, ...trees]).map((make) => () => make(context));
}

/** Does nothing where the migration has failed, which is an error already. */
const afterMigration =
  (make: (context: StepContext) => Step) =>
  (context: StepContext): Step => {
    const step = make(context);
    return { ...step, differences: () => (unmovedClone(context) === undefined ? step.differences() : []) };
  };

export const credentialSteps = (home: string, part: CredentialsPart): readonly Step[] => [
  gitCredentials(home, part),
  vaultAccess(home, part),
];
