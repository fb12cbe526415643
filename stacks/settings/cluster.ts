/** Settings of the cluster: how people reach it, and what the program sets up in it. */

import { z } from "zod";

export const cluster = z.strictObject({
  server: z.url().describe("Address of the API server as people's kubectl reaches it."),
  caData: z.base64().describe("The cluster's CA certificate, base64."),
  name: z.string().default("cluster").describe("Name of the cluster in people's kubeconfig."),
  oidc: z.strictObject({ issuer: z.url(), clientId: z.string() }).describe("Sign-in of people's kubectl."),
});
