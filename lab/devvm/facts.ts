/** Defines the facts of a DevVM that the rest of the lab and the tests need. */
import { z } from "zod";
import { type Fact, fact } from "../facts.ts";

const devVmFacts = z.strictObject({
  name: z.string(),
  index: z.int(),
  /** Reached from the host through the uplink, and from inside the instance's namespace. Port 22, user root. */
  address: z.string(),
  /** Its SSH host key, type and key: `ssh-ed25519 AAAA…`. Outlives reboots and resets. */
  hostKey: z.string(),
  /** Opens root's account. */
  privateKeyPath: z.string(),
  knownHostsPath: z.string(),
});
export type DevVmFacts = z.output<typeof devVmFacts>;

/** The facts of one DevVM: `facts/devvm.json` for the first one, `facts/devvm-<name>.json` for others. */
export const factsOfDevVm = (name: string = FIRST): Fact<DevVmFacts> =>
  fact(name === FIRST ? FIRST : `${FIRST}-${name}`, devVmFacts);

/** Name of the DevVM that every lab has. */
export const FIRST = "devvm";
