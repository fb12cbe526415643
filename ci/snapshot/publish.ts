/** Implements the step `publish`: publishes a deployment's state without secrets, its commit and its user map, from which previews start. */

import { PROJECT } from "../../cli/pulumi.ts";
import { openStack } from "../../cli/stack/open-stack.ts";
import { userMapFromVault } from "../../config/vault-user-map.ts";
import { deployedCommit } from "../deployed-commit.ts";
import { mustPulumi, stackOfPipeline } from "../engine.ts";
import { requiredVariable, StepError } from "../environment.ts";
import { log } from "../log.ts";
import { openPreviewBackend, previewBackendEnv, withScratch } from "./preview-backend.ts";
import { withPublication } from "./publication.ts";
import { withoutSecrets } from "./remove-secrets.ts";
import { publishableUserMap } from "./user-map.ts";

/** The program's credentials, and which variable holds the preview's in their place. */
export const CREDENTIALS = [
  ["kubeconfig", "WS_PREVIEW_KUBECONFIG"],
  ["vaultToken", "WS_PREVIEW_VAULT_TOKEN"],
  ["forgejoPassword", "WS_PREVIEW_FORGE_TOKEN"],
] as const;

export async function publish(): Promise<number> {
  const stack = requiredVariable("WS_STACK");
  const { settings, previousRun } = await openStack({ stack: stackOfPipeline(), configFile: undefined });
  const instead = new Map(
    CREDENTIALS.flatMap(([key, variable]) => {
      const own = settings[key];
      return own === undefined ? [] : [[own, requiredVariable(variable)] as const];
    }),
  );
  const map = await userMapFromVault(settings, previousRun, { preview: false, folder: PROJECT });
  const userMap = map?.isRead === true ? publishableUserMap(map.text, map.file) : undefined;
  const at = { stack, folder: PROJECT };
  const commit = await deployedCommit(at);
  const text = await mustPulumi(at, ["stack", "export", "--show-secrets"]);
  if ((await deployedCommit(at)) !== commit)
    throw new StepError("Another deployment ended while this one was published; its own pipeline publishes it.");
  const env = previewBackendEnv();
  await withScratch(async (folder) => {
    const backend = { stack, folder, env };
    const state = withPublication(withoutSecrets(text, instead, await openPreviewBackend(backend)), {
      commit,
      userMap,
    });
    await mustPulumi(backend, ["stack", "import"], { input: state });
  });
  log(`Previews start from this deployment (${commit.slice(0, 12)}) now.`);
  return 0;
}
