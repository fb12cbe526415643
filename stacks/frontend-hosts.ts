/** Protects the hosts of the portal and the code-server proxy in the cluster, whose tenants could claim them in an Ingress. */

import { isIP } from "node:net";
import type { ClusterSettings } from "../config/settings/cluster.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";

/** The settings of the cluster, with those hosts among the protected ones; their own addresses name them. */
export function withFrontendHosts(cluster: ClusterSettings, { lobby, gate }: StackSettings["devvm"]): ClusterSettings {
  const addresses = [lobby?.origin, lobby?.codeServer, gate?.origin].filter((address) => address !== undefined);
  // An Ingress cannot name an IP address, so nobody can claim one.
  const hosts = addresses
    .map((address) => new URL(address).hostname)
    .filter((host) => isIP(host) === 0 && !host.startsWith("["));
  return { ...cluster, protectedHosts: [...new Set([...cluster.protectedHosts, ...hosts])] };
}
