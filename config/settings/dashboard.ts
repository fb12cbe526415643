/** Defines the settings of the dashboard's ingress path: the token injector and the ingress before it. */

import { z } from "zod";
import { browserOrigin } from "./browser-origin.ts";
import { dnsLabel, dnsName } from "./dns-names.ts";
import { headerName, sharedSecret } from "./shared-secret.ts";

const handOn = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("header") }),
  z.strictObject({
    kind: z.literal("cookie"),
    name: z.string().regex(/^[A-Za-z0-9_.-]+$/, "must be a cookie's name: letters, digits, _ . -"),
  }),
]);

const origin = z
  .string()
  .regex(/^https?:\/\/[A-Za-z0-9.-]+(:\d+)?$/, "must be http://host:port or https://host:port, without a path");

/** What would let a client speak as somebody else, were it passed on. */
const NEVER_PASSED = /^(authorization|proxy-|cookie|impersonate-|connection|upgrade|transfer-encoding|te$|x-remote-)/i;

export const dashboard = z.strictObject({
  namespace: dnsLabel.describe("Namespace of the dashboard; the injector runs beside it."),
  createNamespace: z.boolean().default(false).describe("True where nothing else makes that namespace."),
  backend: z
    .strictObject({
      origin: origin.describe("Address of the dashboard inside the cluster."),
      caPem: z.string().optional().describe("Certificate of the CA that signed an https dashboard's own, as PEM."),
    })
    .describe("The dashboard."),
  browserOrigin: browserOrigin
    .optional()
    .describe(
      "Where people's browsers find the dashboard. A web socket, or a request that changes something, must come from a page " +
        "there. Absent: https and the ingress' host.",
    ),
  identityHeader: headerName
    .default("X-authentik-username")
    .describe("Header in which the identity proxy says who somebody is."),
  handOn: handOn
    .default({ kind: "header" })
    .describe(
      "How the dashboard takes the token: `{kind: header}` as Authorization, `{kind: cookie, name: headlamp-auth-main.0}` as Headlamp does.",
    ),
  admitted: z
    .strictObject({
      header: headerName.default("X-authentik-groups").describe("Header in which the identity proxy lists the groups."),
      separator: z.string().length(1).default("|").describe("What stands between two groups."),
      groups: z.array(z.string().min(1)).min(1).describe("Groups of the identity proxy, by their whole names."),
    })
    .optional()
    .describe("Only members of one of these groups come in. Absent: everybody in the map."),
  sharedSecret: sharedSecret("X-Injector-Secret", 16)
    .optional()
    .describe("A second proof that a request came through the ingress, for clusters that enforce no network policies."),
  passHeaders: z
    .array(
      headerName.refine((name) => !NEVER_PASSED.test(name), "is never passed on: it could carry somebody's rights"),
    )
    .default([])
    .describe("Further request headers that this dashboard reads. All others that browsers send as usual pass anyway."),
  image: z
    .string()
    .default("docker.io/library/node:22.21.1-bookworm-slim")
    .describe(
      "Image with node 18 or newer. The injector's program comes from a ConfigMap, so an official image will do.",
    ),
  ingress: z
    .strictObject({
      host: dnsName.describe("Host of the dashboard."),
      className: z.string().min(1).describe("Class of the ingress controller."),
      forwardAuth: z
        .strictObject({
          annotation: z
            .string()
            .default("traefik.ingress.kubernetes.io/router.middlewares")
            .describe("Annotation that names the middleware."),
          value: z.string().min(1).describe("The middleware that asks the identity proxy."),
        })
        .describe("Puts the identity proxy in front. It must overwrite the identity header that a client sends."),
      annotations: z.record(z.string(), z.string()).default({}).describe("Further annotations of the Ingress."),
      tlsSecret: dnsName.optional().describe("Secret with the host's certificate. Absent: the controller's default."),
      controller: z
        .strictObject({
          namespace: dnsLabel.describe("Their namespace."),
          podLabels: z.record(z.string(), z.string()).describe("Labels that all of them bear."),
        })
        .describe("Pods of the ingress controller: they alone may connect to the injector."),
    })
    .describe("The Ingress through which people arrive."),
});

export type DashboardSettings = z.output<typeof dashboard>;
