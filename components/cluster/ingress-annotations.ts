/**
 * Lists the annotations that a tenant's Ingress may have. All others are refused: controllers read hundreds, and some add
 * hosts or configuration, sign other requests in, or name middlewares and Secrets of another namespace.
 */

/** Of tools that read them and serve nothing. cert-manager's other names for a certificate would be checked by nobody. */
const OF_TOOLS: Readonly<Record<string, string>> = {
  "argocd.argoproj.io": "compare-options hook hook-delete-policy sync-options sync-wave tracking-id",
  "cert-manager.io":
    "cluster-issuer duration issuer issuer-group issuer-kind private-key-algorithm private-key-encoding " +
    "private-key-rotation-policy private-key-size renew-before revision-history-limit usages",
  "helm.sh": "chart hook hook-delete-policy hook-weight resource-policy",
  "kubectl.kubernetes.io": "last-applied-configuration restartedAt",
  "kubernetes.io": "ingress.class tls-acme",
  "kustomize.toolkit.fluxcd.io": "force prune reconcile ssa",
  "meta.helm.sh": "release-name release-namespace",
  "pulumi.com":
    "autonamed deletionPropagationPolicy patchFieldManager patchForce replaceUnready skipAwait timeoutSeconds waitFor",
};

/**
 * Of controllers: they shape the requests for the Ingress' own hosts, and name nothing of another namespace. Not listed are
 * those of buffers, memory zones and tables, which take what all share, and those of whose plain values a controller refuses
 * some when it reads them: its whole configuration then stays as it was, for everybody.
 */
const OF_CONTROLLERS: Readonly<Record<string, string>> = {
  "haproxy.org": "allow-list check cookie-persistence deny-list forwarded-for load-balance pod-maxconn ssl-redirect",
  "nginx.ingress.kubernetes.io":
    "affinity affinity-canary-behavior affinity-mode app-root backend-protocol canary canary-by-cookie " +
    "canary-by-header canary-by-header-value canary-weight canary-weight-total connection-proxy-header " +
    "cors-allow-credentials cors-allow-headers cors-allow-methods cors-allow-origin cors-expose-headers " +
    "cors-max-age denylist-source-range enable-access-log enable-cors force-ssl-redirect limit-rate " +
    "limit-rate-after permanent-redirect permanent-redirect-code preserve-trailing-slash proxy-body-size " +
    "proxy-buffering proxy-connect-timeout proxy-http-version proxy-next-upstream proxy-next-upstream-timeout " +
    "proxy-next-upstream-tries proxy-read-timeout proxy-redirect-from proxy-redirect-to proxy-request-buffering " +
    "proxy-send-timeout rewrite-target service-upstream session-cookie-change-on-failure " +
    "session-cookie-conditional-samesite-none session-cookie-expires session-cookie-max-age session-cookie-name " +
    "session-cookie-path session-cookie-samesite session-cookie-secure ssl-redirect temporal-redirect " +
    "upstream-hash-by use-regex whitelist-source-range x-forwarded-prefix",
  "traefik.ingress.kubernetes.io": "router.entrypoints router.priority router.tls router.tls.certresolver",
};

const namesIn = (listed: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(listed).flatMap(([prefix, names]) => names.split(" ").map((name) => `${prefix}/${name}`));

/** Any value will do. */
export const TOOL_ANNOTATIONS: readonly string[] = namesIn(OF_TOOLS);

/** Controllers write the value into their own configuration, so it must not end what it is written into. */
export const CONTROLLER_ANNOTATIONS: readonly string[] = namesIn(OF_CONTROLLERS);
