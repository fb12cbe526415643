/** Every setting of a stack: its form, its default and what it decides. `docs/configuration.md` is generated from here. */

import { z } from "zod";
import { cluster } from "./cluster.ts";
import { devvm, host } from "./devvm.ts";
import { people } from "./people.ts";

/** Every key of `workstation:` in `Pulumi.<stack>.yaml`. A concern without its section is switched off. */
export const stackSettings = z.strictObject({
  ...people,
  hosts: z.array(host).min(1).describe("The DevVMs."),
  sshPrivateKey: z.string().min(1).describe("Secret: private key of the login on the hosts."),
  devvm,
  cluster: cluster.optional().describe("Absent: nothing is done in a cluster, and people get no kubeconfig."),
  kubeconfig: z.string().optional().describe("Secret: kubeconfig of the program itself; goes with `cluster`."),
});

export type StackSettings = z.output<typeof stackSettings>;
