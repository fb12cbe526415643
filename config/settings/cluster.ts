/** Defines the settings of the cluster: how people reach it, and what the program sets up in it. */

import { z } from "zod";
import { apiServer } from "./api-server.ts";
import { dashboard } from "./dashboard.ts";
import { dnsLabel, dnsName } from "./dns-names.ts";

export const cluster = z.strictObject({
  server: z.url().describe("Address of the API server as people's kubectl reaches it."),
  caData: z.base64().describe("The cluster's CA certificate, base64."),
  name: z.string().default("cluster").describe("Name of the cluster in people's kubeconfig."),
  oidc: z
    .strictObject({
      issuer: z.url().describe("The issuer's address, exactly as its tokens name it."),
      clientId: z.string().describe("Id of the client at the issuer."),
    })
    .describe("Sign-in of people's kubectl."),
  dashboard: dashboard
    .optional()
    .describe("Absent: no token injector, and people's dashboard accounts are used by nobody."),
  portalMap: z
    .strictObject({
      namespace: dnsLabel.describe("Namespace of the portal. It must exist."),
      name: dnsLabel.default("portal-users").describe("Name of the ConfigMap."),
    })
    .optional()
    .describe("Where the portal reads who is who (e-mail, role, namespaces). Absent: no such map."),
  protectedHosts: z
    .array(dnsName)
    .default([])
    .describe(
      "Hosts that no tenant's Ingress may claim, in a rule or for a certificate: the forge's, the identity proxy's. The " +
        "dashboard's, the portal's and the code servers' always are, as the other settings name them.",
    ),
  acceptedSecretStores: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "ClusterSecretStores that tenants may use, by name: their role in Vault opens nothing of anybody's. Any other that " +
        "a tenant could use stops the hand-out of new namespaces.",
    ),
  plantedRights: z
    .enum(["report", "suspend"])
    .default("report")
    .describe(
      "Rights that an offboarded user had given in their namespaces, to others or to ServiceAccounts: `report` names them and " +
        "leaves them; `suspend` empties those RoleBindings and gives them back on the return (docs/leaving.md).",
    ),
  apiServer: apiServer.optional().describe("Absent: the API server's sign-in is left as it is."),
});

export type ClusterSettings = z.output<typeof cluster>;
