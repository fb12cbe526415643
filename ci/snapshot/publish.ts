/** The step `publish`: after a deployment, the state without its secrets for previews to start from. */

import { configOf, PROJECT } from "../../cli/pulumi.ts";
import { mustPulumi, stackOfPipeline } from "../engine.ts";
import { given } from "../environment.ts";
import { say } from "../say.ts";
import { openPlace, placeEnv, withScratch } from "./place.ts";
import { withoutSecrets } from "./scrub.ts";

/** The program's credentials, and which variable holds the preview's in their place. */
export const CREDENTIALS = [
  ["kubeconfig", "WS_PREVIEW_KUBECONFIG"],
  ["vaultToken", "WS_PREVIEW_VAULT_TOKEN"],
  ["forgejoPassword", "WS_PREVIEW_FORGE_TOKEN"],
] as const;

export async function publish(): Promise<number> {
  const stack = given("WS_STACK");
  const { values } = await configOf({ stack: stackOfPipeline(), configFile: undefined });
  const instead = new Map(
    CREDENTIALS.flatMap(([key, variable]) => {
      const own = values[`workstation:${key}`];
      return own === undefined ? [] : [[own, given(variable)] as const];
    }),
  );
  const text = await mustPulumi({ stack, folder: PROJECT }, ["stack", "export", "--show-secrets"]);
  const env = placeEnv(given("WS_PREVIEW_BACKEND_URL"));
  await withScratch(async (folder) => {
    const at = { stack, folder, env };
    await mustPulumi(at, ["stack", "import"], { input: withoutSecrets(text, instead, await openPlace(at)) });
  });
  say("Previews start from this deployment now.");
  return 0;
}
