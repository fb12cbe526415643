/** Declares one tenant namespace of one namespace-owner, and the rights in it. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Email, K8sUser, Namespace, Quota } from "../../roster/model.ts";
import { dashboardAccount } from "../../roster/object-names.ts";
import { managedBy } from "./labels.ts";
import { DEPLOYER_ACCOUNT } from "./names.ts";
import { DEPLOYER_ROLE, OWNER_ROLE } from "./tier-rights.ts";
import { declareTenantNamespace } from "./tenant-namespace.ts";
import { clusterRole, orNobody, role, serviceAccount, user } from "./subjects.ts";
import { accountWithToken } from "./service-account-token.ts";

export interface TenantArgs {
  /** Plain: it decides which resources exist. */
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  /** Who may work here. Absent for somebody who left or whose e-mail is not known yet: the room stays, without them. */
  readonly admit?: Email;
  readonly quota: Quota;
  /**
   * The owner's namespace whose dashboard account the token injector speaks as. One person has one token there, so that
   * account is admitted to all of their namespaces.
   */
  readonly home: Namespace;
  /** Whether the namespace was somebody else's, of whom the cluster may still hold something. */
  readonly isHandedOver: boolean;
  /** What no longer admits an account of this namespace before its next owner, who can speak as the account, is admitted here. */
  readonly admitAfter: readonly pulumi.Resource[];
  /** The ClusterRole that the owner's pipelines are bound to. */
  readonly deployerRole: pulumi.Resource;
  /** Whether the state may hold bindings of an earlier version that admit accounts of this namespace. */
  readonly hasFormerBindings: boolean;
}

/** What was declared of a tenant's namespace. */
export interface Tenant {
  /** Token of this namespace's dashboard account; absent while nobody is admitted. */
  readonly dashboardToken: pulumi.Output<string> | undefined;
  /** Every binding here. Once the engine has answered for them, nobody is admitted but those that the arguments name. */
  readonly bindings: readonly pulumi.Resource[];
  /** Those of an earlier version, with nobody in them. */
  readonly formerBindings: readonly pulumi.Resource[];
}

/**
 * Declares a tenant's namespace, which is kept when its owner leaves; only the destructive command ends its protection.
 * @param opts of everything in it; `dependsOn` is what the namespace itself comes after
 */
export function declareTenant(name: string, args: TenantArgs, opts: pulumi.CustomResourceOptions): Tenant {
  const inState = { ...opts, aliases: [{ parent: pulumi.createUrn(name, FORMER_COMPONENT) }] };
  const namespace = declareTenantNamespace(name, args, inState);
  const within = { ...inState, dependsOn: [namespace] };
  const { owners, deployers } = bindRights(name, args, within);
  const formerBindings = args.hasFormerBindings
    ? [
        emptyFormerBinding(name, { called: "dashboard", roleRef: clusterRole(OWNER_ROLE), now: owners }, args, within),
        emptyFormerBinding(name, { called: "deployer", roleRef: role("deployer"), now: deployers }, args, within),
      ]
    : [];
  return {
    dashboardToken: args.admit === undefined ? undefined : admitAccounts(name, args, within),
    bindings: [owners, deployers, ...formerBindings],
    formerBindings,
  };
}

/** The component that was the parent of everything here in states of earlier versions. */
const FORMER_COMPONENT = "workstation:cluster:Tenant";

/**
 * The bindings stay when the owner goes, with nobody in them: that is a change, which the engine makes in its turn. It
 * deletes only after all else has gone well, and a cut must not wait for a host that is down.
 */
function bindRights(name: string, args: TenantArgs, opts: InNamespace) {
  const { namespace, owner, home, admit } = args;
  const labels = managedBy(owner);
  const dependsOn = [...opts.dependsOn, ...args.admitAfter];
  const dashboards = [...new Set([namespace, home])].map((inNamespace) =>
    serviceAccount(inNamespace, dashboardAccount(owner)),
  );
  const owners = new k8s.rbac.v1.RoleBinding(
    `${name}-owner`,
    {
      metadata: { name: "owner", namespace, labels },
      roleRef: clusterRole(OWNER_ROLE),
      subjects: orNobody(admit === undefined ? [] : [user(admit), ...dashboards]),
    },
    { ...opts, dependsOn },
  );
  const deployers = new k8s.rbac.v1.RoleBinding(
    `${name}-pipelines`,
    {
      metadata: { name: DEPLOYER_ROLE, namespace, labels },
      roleRef: clusterRole(DEPLOYER_ROLE),
      subjects: orNobody(admit === undefined ? [] : [serviceAccount(namespace, DEPLOYER_ACCOUNT)]),
    },
    { ...opts, dependsOn: [...dependsOn, args.deployerRole] },
  );
  return { owners, deployers };
}

type InNamespace = pulumi.CustomResourceOptions & { readonly dependsOn: readonly pulumi.Resource[] };

interface FormerBinding {
  readonly called: string;
  readonly roleRef: ReturnType<typeof role>;
  /** The binding that admits the same accounts now. */
  readonly now: pulumi.Resource;
}

/**
 * Empties a binding of an earlier version, after the present one admits whom it admitted; for an offboarded user it waits for
 * nothing. A run that no longer declares it deletes it. Undeclared at once it would go last, and keep a right of somebody who is
 * offboarded in the same run.
 */
function emptyFormerBinding(
  name: string,
  { called, roleRef, now }: FormerBinding,
  { namespace, owner, admit }: TenantArgs,
  { dependsOn, ...opts }: InNamespace,
): pulumi.Resource {
  return new k8s.rbac.v1.RoleBinding(
    `${name}-${called}`,
    { metadata: { name: called, namespace, labels: managedBy(owner) }, roleRef, subjects: orNobody([]) },
    { ...opts, dependsOn: admit === undefined ? [...dependsOn] : [...dependsOn, now] },
  );
}

/** The accounts that go when the owner goes: the dashboard's with its token, and that of their own pipelines. */
function admitAccounts(
  name: string,
  { namespace, owner, isHandedOver }: TenantArgs,
  opts: pulumi.CustomResourceOptions,
) {
  const labels = managedBy(owner);
  // A former owner may hold tokens of the account, and Vault gives its holder the present owner's secrets. They end with it.
  const anew = isHandedOver ? { replaceOnChanges: ["metadata"], deleteBeforeReplace: true } : {};
  // Vault hands out its token to whoever deploys for the owner without being the owner.
  new k8s.core.v1.ServiceAccount(
    `${name}-deployer`,
    { metadata: { name: DEPLOYER_ACCOUNT, namespace, labels }, automountServiceAccountToken: false },
    { ...opts, ...anew },
  );
  return accountWithToken(`${name}-dashboard`, { name: dashboardAccount(owner), namespace, labels }, opts).token;
}
