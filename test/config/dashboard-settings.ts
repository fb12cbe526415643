/** Settings of a dashboard with all that has no default, for tests to add to. */
export const DASHBOARD = {
  namespace: "dashboard",
  backend: { origin: "http://headlamp.dashboard:80" },
  ingress: {
    host: "dashboard.example",
    className: "traefik",
    forwardAuth: { value: "authentik-forward-auth@kubernetescrd" },
    controller: { namespace: "traefik", podLabels: { app: "traefik" } },
  },
};
