/** Defines the injector's configuration, which the program writes and the injector reads at its start. */

/** How the token is handed to the dashboard: as the old one and the API server take it, or as Headlamp does. */
export type TokenForm = { readonly kind: "header" } | { readonly kind: "cookie"; readonly name: string };

export interface InjectorConfig {
  readonly version: 1;
  /** The dashboard's origin, without a path: `http://host:port` or `https://host:port`. */
  readonly backend: { readonly origin: string; readonly caPem?: string };
  /** Where browsers find the dashboard: what changes something must come from a page there. */
  readonly origin: string;
  /** Set by the identity proxy, and by nobody else. */
  readonly identityHeader: string;
  readonly handOn: TokenForm;
  /** At least one of `groups` must stand in the header's list. Absent: every known identity may come in. */
  readonly admitted?: { readonly header: string; readonly separator: string; readonly groups: readonly string[] };
  /** Header that must carry the shared secret, which lies in files of its own. */
  readonly sharedSecretHeader?: string;
  /** Request headers of this dashboard that are let through beside the usual ones. */
  readonly passHeaders: readonly string[];
  /** How many identities the map's files hold together: a map that is cut short is not started with. */
  readonly identities: number;
}

/** Where the Deployment mounts what the injector reads. */
export const MOUNT_PATHS = {
  config: "/etc/injector/config/config.json",
  program: "/etc/injector/program/injector.mjs",
  map: "/etc/injector/map",
  sharedSecret: "/etc/injector/shared-secret",
} as const;

/** Port of the requests; the ingress controller alone may reach it. */
export const REQUEST_PORT = 8080;
/** Port of the probes: no request of a person ever arrives here. */
export const PROBE_PORT = 8081;

/**
 * For this long after it was asked to end, a pod takes new connections: until the cluster's proxies have learnt that
 * it goes. Then it finishes what is under way and, at the limit, ends the web sockets.
 */
export const DRAIN = { settleMs: 5_000, limitMs: 20_000 } as const;
