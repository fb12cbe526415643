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
      grant: z
        .enum(["device-code", "authcode-keyboard", "authcode"])
        .default("device-code")
        .describe(
          "How people's kubectl signs in. `device-code`: it shows an address and a code for the browser of any machine. " +
            "`authcode-keyboard`: it shows an address, and the browser ends at `redirectUrl` with a code to type. `authcode`: kubelogin listens on " +
            "localhost of the host, which a browser elsewhere reaches only through `ssh -L 8000:localhost:8000`.",
        ),
      redirectUrl: z
        .url()
        .optional()
        .describe(
          "Where the issuer sends the code that a person types: `http://localhost`, for the browser's address bar to show it. Required " +
            "by `authcode-keyboard`, with kubelogin 1.33 or newer. Leave it when you change the grant, so that kubeconfigs with it are renewed.",
        ),
    })
    .refine(({ grant, redirectUrl }) => grant !== "authcode-keyboard" || redirectUrl !== undefined, {
      path: ["redirectUrl"],
      error: "must be set where grant is authcode-keyboard: kubelogin has no default for it",
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
  tenantIngressAnnotations: z
    .array(
      z
        .string()
        .regex(
          /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
          "must be an annotation's whole name, as in nginx.ingress.kubernetes.io/auth-url",
        ),
    )
    .default([])
    .describe(
      "Annotations that a tenant's Ingress may have besides those that docs/cluster.md lists. One that adds hosts or configuration, " +
        "or names middlewares or Secrets, opens the platform's hosts and secrets to tenants.",
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
