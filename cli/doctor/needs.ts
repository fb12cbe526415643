/** Lists the packages and the outside programs that a host must have for what the settings say. */

import { outsidePrograms } from "../../agent/shared/outside-programs.ts";
import { packagesOf } from "../../config/settings/required-packages.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import type { HostNeeds } from "./hosts.ts";

/** What a host of people needs. */
export const hostNeeds = ({ devvm, cluster }: Pick<StackSettings, "devvm" | "cluster">): HostNeeds => ({
  packages: packagesOf(devvm),
  programs: outsidePrograms(devvm.commands, cluster !== undefined),
  node: "/usr/bin/node",
  sudo: true,
  keySetting: "sshPrivateKey",
});

/** What a control plane needs, where the program sets up the API server's sign-in. */
export const controlPlaneNeeds: HostNeeds = {
  packages: [],
  programs: [],
  node: "on the path",
  sudo: false,
  keySetting: "cluster.apiServer.sshPrivateKey",
};
