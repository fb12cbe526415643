/**
 * Declares the ingress path of the dashboard: the injector with the token of every admin and namespace-owner, and the
 * ServiceAccount of the admins.
 */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { AdminDashboard } from "../components/cluster/admin-dashboard.ts";
import { Injector } from "../components/cluster/injector/injector.ts";
import { MANAGED } from "../components/cluster/labels.ts";
import type { AuthentikUser, OsUser, Person } from "../roster/model.ts";
import { TIERS } from "../roster/tiers.ts";
import { injectorProgram } from "./bundled-programs.ts";
import type { DashboardSettings } from "../config/settings/dashboard.ts";

/** @param tokens of the people who own namespaces */
export function deployDashboard(
  settings: DashboardSettings,
  people: readonly Person[],
  tokens: ReadonlyMap<OsUser, pulumi.Output<string>>,
  provider: k8s.Provider,
): void {
  const { namespace, createNamespace, ingress, ...injector } = settings;
  const created = createNamespace
    ? [
        new k8s.core.v1.Namespace(
          "dashboard",
          { metadata: { name: namespace, labels: MANAGED } },
          // What else stands in it is not the program's to delete.
          { provider, retainOnDelete: true },
        ),
      ]
    : [];
  const opts = { provider, dependsOn: created };
  const admins = new AdminDashboard("admin-dashboard", { namespace }, opts);
  const accountTokens = people.flatMap((person): [AuthentikUser, pulumi.Output<string>][] => {
    const token = TIERS[person.tier].administers ? admins.token : tokens.get(person.osUser);
    return token === undefined ? [] : [[person.authentikUser, token]];
  });
  const { tlsSecret, ...ingressPath } = ingress;
  const { caPem, origin } = settings.backend;
  const { admitted, sharedSecret, browserOrigin = `https://${ingress.host}`, ...plain } = injector;
  new Injector(
    "token-injector",
    {
      ...plain,
      namespace,
      program: injectorProgram(),
      origin: browserOrigin,
      backend: { origin, ...(caPem === undefined ? {} : { caPem }) },
      ...(admitted === undefined ? {} : { admitted }),
      ...(sharedSecret === undefined ? {} : { sharedSecret }),
      tokens: new Map(accountTokens),
      ingressPath: { ...ingressPath, ...(tlsSecret === undefined ? {} : { tlsSecret }) },
    },
    opts,
  );
}
