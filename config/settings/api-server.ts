/** Defines the settings of the API server's own sign-in. */

import { z } from "zod";
import { rootLogin } from "./root-login.ts";

const issuer = z.strictObject({
  url: z.url({ protocol: /^https$/ }).describe("The issuer, exactly as its tokens name it."),
  audiences: z.array(z.string().min(1)).min(1).describe("Client ids whose tokens are taken."),
  caPem: z
    .string()
    .optional()
    .describe("CA of the issuer's certificate, as PEM. Absent: the control plane's own list."),
});

export const apiServer = z.strictObject({
  issuers: z
    .array(issuer)
    .min(1)
    .refine((all) => new Set(all.map(({ url }) => url)).size === all.length, "names an issuer twice")
    .describe("Who may vouch for people: the command line's issuer and the dashboard's."),
  sshPrivateKey: z.string().min(1).describe("Secret: private key of the login on the control planes."),
  controlPlanes: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe("How you call this machine."),
        address: z.string().min(1).describe("Address that CI reaches over SSH."),
        port: z.int().min(1).max(65_535).default(22).describe("Port of the SSH server."),
        user: rootLogin,
        hostKey: z.string().min(1).describe("The machine's public host key."),
      }),
    )
    .min(1)
    .describe("The kubeadm control planes. They are changed one after the other."),
});

export type ApiServerSettings = z.output<typeof apiServer>;
