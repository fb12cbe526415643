/** Defines every setting of a stack: its form, its default and what it decides. `docs/configuration.md` is generated from here. */

import { z } from "zod";
import { cluster } from "./cluster.ts";
import { devvm, host } from "./devvm.ts";
import { forgejo } from "./forgejo.ts";
import { people } from "./people.ts";
import { stem95su } from "./stem95su.ts";
import { vault } from "./vault.ts";

/** Every key of `workstation:` in `Pulumi.<stack>.yaml`. A concern without its section is switched off. */
const sections = z.strictObject({
  ...people,
  hosts: z.array(host).min(1).describe("The DevVMs."),
  sshPrivateKey: z.string().min(1).describe("Secret: private key of the login on the hosts."),
  devvm,
  cluster: cluster.optional().describe("Absent: nothing is done in a cluster, and people get no kubeconfig."),
  kubeconfig: z.string().optional().describe("Secret: kubeconfig of the program itself; goes with `cluster`."),
  stem95su: stem95su.optional().describe("The public site; requires `cluster`. Absent: no site."),
  vault: vault.optional().describe("Absent: nothing is done in Vault, and the user map comes from `userMapFile`."),
  vaultToken: z.string().optional().describe("Secret: the program's own token; goes with `vault`."),
  forgejo: forgejo.optional().describe("Absent: nothing is done on the forge."),
  forgejoPassword: z.string().optional().describe("Secret: password of `forgejo.username`; goes with `forgejo`."),
});

export const stackSettings = sections.superRefine(({ stem95su, cluster }, context) => {
  if (stem95su === undefined || cluster !== undefined) return;
  const message = "must have a cluster to run in: set cluster and kubeconfig, or remove stem95su";
  context.addIssue({ code: "custom", path: ["stem95su"], message });
});

export type StackSettings = z.output<typeof stackSettings>;
