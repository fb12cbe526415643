/** Defines the rights of each tier, as one table. The rest of the program reads it and never compares a tier's name. */

import type { Tier } from "./model.ts";

/** What a tier means on every surface. */
export interface TierRights {
  /** Groups on the host: added when missing, and taken away where the program gave them and the tier no longer does. */
  readonly groups: readonly string[];
  /** Bound cluster-wide to the person's e-mail. */
  readonly clusterRole: string;
  /** What the program does below `~/code`: an admin's tree is never touched. */
  readonly clone: "untouched" | "locked";
  /** Whether rows of this tier own namespaces: then at least one, otherwise none. */
  readonly ownsNamespaces: boolean;
  /** Listed in `/etc/ttyd-admins`, may use sudo in the code server, pushes to the protected branch, counted by the brake on admins. */
  readonly administers: boolean;
  /** Whether the row is compared with the cluster's user map. */
  readonly checkedAgainstUserMap: boolean;
  /** Higher may more; a drop is a loss of rights. */
  readonly rank: number;
}

export const TIERS: Readonly<Record<Tier, TierRights>> = {
  admin: {
    groups: ["code-shared", "docker", "sudo"],
    clusterRole: "cluster-admin",
    clone: "untouched",
    ownsNamespaces: false,
    administers: true,
    checkedAgainstUserMap: false,
    rank: 3,
  },
  "power-user": {
    groups: [],
    clusterRole: "oidc-power-user-readonly",
    clone: "locked",
    ownsNamespaces: false,
    administers: false,
    checkedAgainstUserMap: true,
    rank: 2,
  },
  "namespace-owner": {
    groups: [],
    clusterRole: "oidc-namespace-owner-readonly",
    clone: "locked",
    ownsNamespaces: true,
    administers: false,
    checkedAgainstUserMap: true,
    rank: 1,
  },
};

/** In the order in which people name them. */
export const TIER_NAMES = ["admin", "power-user", "namespace-owner"] as const satisfies readonly Tier[];

/** Every group that any tier gives: what leaving takes away. */
export const TIER_GROUPS: readonly string[] = [...new Set(TIER_NAMES.flatMap((tier) => TIERS[tier].groups))].sort();
