/** Lists the packages and the outside programs that a host must have for what the settings say. */

import { packagesOf } from "../../config/settings/required-packages.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import type { HostNeeds, Program } from "./hosts.ts";

type Commands = StackSettings["devvm"]["commands"];

/** Programs that are not this project's and that no package of the deployment brings. */
const COMMANDS: Readonly<Record<keyof Commands, Pick<Program, "purpose" | "without">>> = {
  t3: { purpose: "the code server of each person", without: "nobody has a code server" },
  browser: { purpose: "the browser server of each person", without: "nobody has browser automation" },
  credentialSync: {
    purpose: "the sync of the assistant's credentials",
    without: "nobody's assistant gets credentials by itself",
  },
};

const KUBECTL: readonly Program[] = [
  {
    path: "kubectl",
    purpose: "people's command line to the cluster",
    without: "people reach no cluster from the host",
  },
  {
    path: "kubectl-oidc_login",
    purpose: "kubelogin, by which people's kubectl signs in",
    without: "people's kubectl cannot sign in",
  },
];

/** People may have it below their home instead, where nobody else looks. */
const ASSISTANT: Program = {
  path: "claude",
  purpose: "the assistant, which each new session starts",
  without: "a session of anybody who has none in ~/.local/bin starts a shell in its place",
  isOptional: true,
};

/** What a host of people needs. */
export function hostNeeds({ devvm, cluster }: Pick<StackSettings, "devvm" | "cluster">): HostNeeds {
  const commands = (Object.keys(COMMANDS) as (keyof Commands)[]).map((name): Program => {
    return { ...COMMANDS[name], path: devvm.commands[name]?.[0], setting: `devvm.commands.${name}` };
  });
  return {
    packages: packagesOf(devvm),
    programs: [...commands, ...(cluster === undefined ? [] : KUBECTL), ASSISTANT],
    keySetting: "sshPrivateKey",
  };
}

/** What a control plane needs, where the program sets up the API server's sign-in. */
export const controlPlaneNeeds: HostNeeds = {
  packages: [],
  programs: [],
  keySetting: "cluster.apiServer.sshPrivateKey",
};
