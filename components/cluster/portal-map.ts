/** Declares the portal's map from e-mail to role and namespaces. It holds no secret. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Email, Namespace, Tier } from "../../roster/model.ts";
import { MANAGED } from "./labels.ts";

export interface PortalEntry {
  readonly role: Tier;
  readonly namespaces: readonly Namespace[];
}

export interface PortalMapArgs {
  readonly namespace: string;
  readonly name: string;
  readonly people: ReadonlyMap<Email, PortalEntry>;
}

export class PortalMap extends pulumi.ComponentResource {
  constructor(name: string, args: PortalMapArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:PortalMap", name, {}, opts);
    new k8s.core.v1.ConfigMap(
      name,
      {
        metadata: { name: args.name, namespace: args.namespace, labels: MANAGED },
        data: { "users.json": portalText(args.people) },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}

/** @returns JSON in the order of the e-mails: the same people, the same bytes */
export function portalText(people: ReadonlyMap<Email, PortalEntry>): string {
  const sorted = [...people].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([email, { role, namespaces }]) => [email, { role, namespaces: [...namespaces].sort() }]);
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}
