/** Derives the folder, names and addresses of one DevVM from the instance, its name and its index. */
import type { Instance } from "../instance.ts";
import { LabError } from "../lab-error.ts";

export interface MachinePaths {
  /** 1 to 12 letters and digits; the host name inside, and the name of its server in the lab's records. */
  readonly name: string;
  /** Which of the instance's /30 links it has; 0 is the first DevVM. */
  readonly index: number;
  /** For root alone. */
  readonly dir: string;
  /** Unique on the whole host: systemd-nspawn and the control groups know it by this name. */
  readonly machine: string;
  /** The bridge in the instance's namespace that its link hangs on, so that a reboot finds its address again. */
  readonly bridge: string;
  readonly linkAddress: string;
  readonly address: string;
  /** The link, for a route from the host. */
  readonly range: string;
}

/** Throws `LabError` for a name or an index that cannot be. */
export function machinePaths(instance: Instance, name: string, index: number): MachinePaths {
  if (!/^[a-z][a-z0-9]{0,11}$/.test(name))
    throw new LabError(
      `"${name}" is not a valid name for a DevVM: use 1 to 12 letters and digits, the first a letter.`,
    );
  if (!Number.isInteger(index) || index < 0 || index > LAST_INDEX)
    throw new LabError(`${name}: ${index} is no index for a DevVM: use 0 to ${LAST_INDEX}.`);
  const at = (last: number) => `10.213.${instance.number}.${last + 4 * index}`;
  return {
    name,
    index,
    dir: instance.path("devvm", name),
    machine: `${name}${machineSuffix(instance)}`,
    bridge: `dv${index}`,
    linkAddress: at(5),
    address: at(6),
    range: `${at(4)}/30`,
  };
}

/** Ends every machine name of this instance. Neither part can hold a dot, so no two instances' names can meet. */
export const machineSuffix = (instance: Instance): string => `.ws-${instance.name}`;

/** The last /30 of the instance's range. */
const LAST_INDEX = 62;
