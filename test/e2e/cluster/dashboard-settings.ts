/** Settings of the cluster as the tests that run the injector use them. */

import { cluster } from "../../../config/settings/cluster.ts";

export const DASHBOARD = "kubernetes-dashboard";

/** As they would stand in the stack's configuration. */
export const settingsInput = (backend: { origin: string; caPem?: string }) => ({
  server: "https://api.test:6443",
  caData: "Y2E=",
  oidc: { issuer: "https://sso.test/", clientId: "kubernetes" },
  portalMap: { namespace: DASHBOARD },
  dashboard: {
    namespace: DASHBOARD,
    createNamespace: true,
    backend,
    ingress: {
      host: "dashboard.test",
      className: "traefik",
      forwardAuth: { value: "authentik-forward-auth@kubernetescrd" },
      controller: { namespace: "traefik", podLabels: { app: "traefik" } },
    },
  },
});

/** @param backend of the injector */
export const settingsFor = (...[backend]: Parameters<typeof settingsInput>) => cluster.parse(settingsInput(backend));
