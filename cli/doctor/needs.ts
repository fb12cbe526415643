/** Lists the packages and programs that a host must have for what the settings say. */

import { packagesOf } from "../../config/settings/required-packages.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import type { HostNeeds, Program } from "./hosts.ts";

const PURPOSES: Readonly<Record<string, string>> = {
  t3: "without it nobody has a code server",
  browser: "without it nobody has browser automation",
  credentialSync: "without it nobody's assistant gets credentials",
};

/** What a host of people needs. */
export function hostNeeds({ devvm, cluster }: Pick<StackSettings, "devvm" | "cluster">): HostNeeds {
  const commands = Object.entries(devvm.commands).flatMap(([name, argv]): Program[] =>
    argv?.[0] === undefined
      ? []
      : [{ path: argv[0], purpose: `devvm.commands.${name}: ${PURPOSES[name] ?? "a service"}` }],
  );
  const kubectl = [
    { path: "kubectl", purpose: "without it people reach no cluster from the host" },
    { path: "kubectl-oidc_login", purpose: "kubelogin, by which people's kubectl signs in" },
  ];
  return {
    packages: packagesOf(devvm),
    programs: [...commands, ...(cluster === undefined ? [] : kubectl)],
    keySetting: "sshPrivateKey",
  };
}

/** What a control plane needs, where the program sets up the API server's sign-in. */
export const controlPlaneNeeds: HostNeeds = {
  packages: [],
  programs: [],
  keySetting: "cluster.apiServer.sshPrivateKey",
};
