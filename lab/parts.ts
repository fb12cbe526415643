/** Lists the parts of the lab and their dependencies: `up` starts each as soon as the parts that it needs are up. */
import { removeContainers } from "./cluster/cgroups.ts";
import { startCluster } from "./cluster/cluster.ts";
import { cleanUpDevVms, startDevVm } from "./devvm/index.ts";
import { startForge } from "./forge/index.ts";
import type { Instance } from "./instance.ts";
import type { Toolchain } from "./toolchain/index.ts";
import { startVault } from "./vault/vault.ts";

export interface Part {
  readonly name: string;
  /** Names of parts that must be up before this one starts. */
  readonly needs: readonly string[];
  /** Brings it up; what is up already stays. Throws `LabError`. Servers started through the process layer end with `down`. */
  readonly start: (instance: Instance, tools: Toolchain) => Promise<void>;
  /** Removes what its servers may leave behind, after they have ended, whatever became of the run. Safe to repeat. */
  readonly clean?: (instance: Instance) => Promise<void>;
}

export const PARTS: readonly Part[] = [
  { name: "cluster", needs: [], start: startCluster, clean: removeContainers },
  { name: "devvm", needs: [], start: async (instance) => void (await startDevVm(instance)), clean: cleanUpDevVms },
  { name: "forge", needs: [], start: startForge },
  { name: "vault", needs: ["cluster"], start: startVault },
];
