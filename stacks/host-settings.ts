/** Translates the settings of the hosts for the host components and reads the files that they name. */

import { readFile } from "node:fs/promises";
import type { SiteOfHosts } from "../components/devvm/build-parts.ts";
import { packagesOf } from "../config/settings/required-packages.ts";
import { TIER_GROUPS } from "../roster/tiers.ts";
import { Refusal } from "../config/refusal.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";

/** @throws Refusal when the guidance file that the stack names cannot be read */
export async function siteOfHosts(settings: StackSettings): Promise<SiteOfHosts> {
  const { devvm, cluster } = settings;
  return {
    packages: packagesOf(devvm),
    guidance: await guidanceOf(devvm.guidanceFile),
    managedSettings: JSON.stringify(devvm.managedSettings),
    sharedConfig: devvm.sharedConfig,
    commands: devvm.commands,
    reconcile: devvm.reconcile,
    archives: devvm.archives,
    // The gate is an account of its own, which the packet filter has to know.
    proxyUsers: devvm.gate === undefined ? devvm.proxyUsers : [...devvm.proxyUsers, "workstation-gate"],
    gate: devvm.gate,
    lobby: devvm.lobby,
    ingressSecret: devvm.ingressSecret,
    contact: devvm.contact,
    adoptExisting: devvm.adoptExisting,
    closeAdoptedHomes: devvm.closeAdoptedHomes,
    repositories: devvm.repositories,
    ...(cluster === undefined ? {} : { kubeconfig: kubeconfigOf(cluster) }),
    limits: settings.limits,
    tierGroups: TIER_GROUPS,
    brakes: {
      removalLimit: settings.removalLimit,
      confirmLeave: settings.confirmLeave,
      addsOnly: settings.addsOnly,
    },
  };
}

const kubeconfigOf = ({ name, server, caData, oidc }: NonNullable<StackSettings["cluster"]>) => ({
  cluster: name,
  server,
  caData,
  issuer: oidc.issuer,
  clientId: oidc.clientId,
  grant: oidc.grant,
  ...(oidc.redirectUrl === undefined ? {} : { redirectUrl: oidc.redirectUrl }),
});

async function guidanceOf(file: string | undefined): Promise<string> {
  if (file === undefined) return "";
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new Refusal(
      `${file}: the guidance text that workstation:devvm.guidanceFile names cannot be read: ${(cause as Error).message}. ` +
        "Nothing was changed.",
    );
  }
}
