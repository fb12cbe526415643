/** Works out which resources the program would declare on the hosts: everything that is delivered, nothing of how they are reached. */

import * as pulumi from "@pulumi/pulumi";
import type { Desired } from "../../roster/model.ts";
import { buildAgent } from "../agent-bundle.ts";
import { runsCredentialSync } from "../credential-sync.ts";
import { deployHosts } from "../devvm.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { siteOfHosts } from "../host-settings.ts";

export { MANAGED, OWNER_LABEL } from "../../components/cluster/labels.ts";
export { SITE } from "../../components/stem95su/names-and-images.ts";

/**
 * Files that settings name are looked for in the working directory, as in a run.
 * @throws Refusal where one of them cannot be read
 */
export async function hostsOf(settings: StackSettings, desired: Desired): Promise<() => Promise<unknown>> {
  const [site, agent] = [await siteOfHosts(settings), await buildAgent()];
  // Only the forge and Vault know the tokens; that there will be one is decided.
  const credentials = new Map(
    [...desired.people.values()].flatMap(({ osUser, forgejo }) =>
      forgejo === undefined || settings.forgejo === undefined
        ? []
        : [[osUser, { login: forgejo.login, token: pulumi.secret("-") }] as const],
    ),
  );
  const vaultTokens = new Map(
    settings.vault?.workstationTokens === undefined
      ? []
      : [...desired.people.values()].flatMap((person) =>
          runsCredentialSync(person, settings.devvm.commands) ? [[person.osUser, pulumi.secret("-")] as const] : [],
        ),
  );
  const offline = { cuts: [], down: new Set<string>(), declared: () => undefined };
  return () => deployHosts({ settings, desired, site, agent, credentials, vaultTokens, ...offline });
}
